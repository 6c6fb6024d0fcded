package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// A weight matrix that an adapter can change, by its place in the model.
///
/// @param layer the block, from 0
/// @param kind which matrix of the block
/// @param expert the expert it belongs to; 0 for matrices that belong to none, and in a dense model
public record AdapterTarget(int layer, Kind kind, int expert) {
    /// The matrices of a block, in the order in which a token meets them.
    public enum Kind {
        WQ,
        WK,
        WV,
        WO,
        ROUTER,
        GATE_PROJ,
        UP_PROJ,
        DOWN_PROJ;

        /// Whether every expert has one.
        public boolean isOfExpert() {
            return this == GATE_PROJ || this == UP_PROJ || this == DOWN_PROJ;
        }
    }

    /// Every target of a model, layer by layer.
    public static List<AdapterTarget> all(MixtralConfig config) {
        List<AdapterTarget> targets = new ArrayList<>();
        for (int layer = 0; layer < config.numLayers(); layer++) {
            for (Kind kind : Kind.values()) {
                if (kind == Kind.ROUTER && !config.isMixture()) {
                    continue;
                }
                for (int expert = 0; expert < (kind.isOfExpert() ? config.numExperts() : 1); expert++) {
                    targets.add(new AdapterTarget(layer, kind, expert));
                }
            }
        }
        return targets;
    }

    /// Whether rotary embedding follows, so that the order of rows depends on the [RopeLayout].
    public boolean isRotated() {
        return kind == Kind.WQ || kind == Kind.WK;
    }

    /// Whether a model has this matrix.
    public boolean isIn(MixtralConfig config) {
        int experts = kind.isOfExpert() ? config.numExperts() : 1;
        return layer >= 0
                && layer < config.numLayers()
                && expert >= 0
                && expert < experts
                && (kind != Kind.ROUTER || config.isMixture());
    }

    /// Outputs of the matrix.
    public int rows(MixtralConfig config) {
        return switch (kind) {
            case WQ -> config.queryWidth();
            case WK, WV -> config.kvWidth();
            case WO, DOWN_PROJ -> config.hiddenSize();
            case ROUTER -> config.numExperts();
            case GATE_PROJ, UP_PROJ -> config.intermediateSize();
        };
    }

    /// Inputs of the matrix.
    public int cols(MixtralConfig config) {
        return switch (kind) {
            case WQ, WK, WV, ROUTER, GATE_PROJ, UP_PROJ -> config.hiddenSize();
            case WO -> config.queryWidth();
            case DOWN_PROJ -> config.intermediateSize();
        };
    }

    /// The matrix among the weights of a model.
    public Tensor in(MixtralWeights weights) {
        LayerWeights block = weights.layers().get(layer);
        return switch (kind) {
            case WQ -> block.wq();
            case WK -> block.wk();
            case WV -> block.wv();
            case WO -> block.wo();
            case ROUTER ->
                switch (block.feedForward()) {
                    case MoeWeights moe -> moe.router();
                    case DenseWeights _ -> throw new IllegalArgumentException("a dense model has no router");
                };
            case GATE_PROJ -> swiglu(block).gateProj();
            case UP_PROJ -> swiglu(block).upProj();
            case DOWN_PROJ -> swiglu(block).downProj();
        };
    }

    private SwigluWeights swiglu(LayerWeights block) {
        return switch (block.feedForward()) {
            case MoeWeights moe -> moe.experts().get(expert);
            case DenseWeights dense -> dense.swiglu();
        };
    }

    /// `layer 3 wq`, or `layer 3 expert 5 gateProj`.
    @Override
    public String toString() {
        String name = switch (kind) {
            case WQ -> "wq";
            case WK -> "wk";
            case WV -> "wv";
            case WO -> "wo";
            case ROUTER -> "router";
            case GATE_PROJ -> "gateProj";
            case UP_PROJ -> "upProj";
            case DOWN_PROJ -> "downProj";
        };
        return "layer " + layer + (kind.isOfExpert() ? " expert " + expert : "") + " " + name;
    }
}
