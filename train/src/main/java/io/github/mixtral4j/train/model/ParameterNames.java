package io.github.mixtral4j.train.model;

import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.AdapterTarget.Kind;
import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// What the tensors of a model are called in Hugging Face's files, and in which order they are trained.
public final class ParameterNames {
    static final String EMBEDDING = "model.embed_tokens.weight";
    static final String OUTPUT_NORM = "model.norm.weight";
    static final String OUTPUT = "lm_head.weight";

    private ParameterNames() {}

    /// A tensor of the model.
    ///
    /// @param rows 1 for a norm
    /// @param target its place, if it is a matrix of a block
    record Place(String name, int rows, int cols, Optional<AdapterTarget> target) {
        boolean isNorm() {
            return name.endsWith("norm.weight");
        }

        boolean isEmbedding() {
            return name.equals(EMBEDDING);
        }
    }

    /// Every tensor of a model.
    static List<Place> of(MixtralConfig config) {
        int hidden = config.hiddenSize();
        List<Place> places = new ArrayList<>();
        places.add(new Place(EMBEDDING, config.vocabSize(), hidden, Optional.empty()));
        int layer = -1;
        for (AdapterTarget target : AdapterTarget.all(config)) {
            if (target.layer() != layer) {
                layer = target.layer();
                places.add(new Place(attentionNorm(layer), 1, hidden, Optional.empty()));
                places.add(new Place(ffnNorm(layer), 1, hidden, Optional.empty()));
            }
            places.add(new Place(of(target), target.rows(config), target.cols(config), Optional.of(target)));
        }
        places.add(new Place(OUTPUT_NORM, 1, hidden, Optional.empty()));
        places.add(new Place(OUTPUT, config.vocabSize(), hidden, Optional.empty()));
        return places;
    }

    static String attentionNorm(int layer) {
        return "model.layers." + layer + ".input_layernorm.weight";
    }

    static String ffnNorm(int layer) {
        return "model.layers." + layer + ".post_attention_layernorm.weight";
    }

    /// The name of a matrix of a block.
    public static String of(AdapterTarget target) {
        String layer = "model.layers." + target.layer() + ".";
        String expert = layer + "block_sparse_moe.experts." + target.expert() + ".";
        return switch (target.kind()) {
            case WQ -> layer + "self_attn.q_proj.weight";
            case WK -> layer + "self_attn.k_proj.weight";
            case WV -> layer + "self_attn.v_proj.weight";
            case WO -> layer + "self_attn.o_proj.weight";
            case ROUTER -> layer + "block_sparse_moe.gate.weight";
            case GATE_PROJ -> expert + "w1.weight";
            case UP_PROJ -> expert + "w3.weight";
            case DOWN_PROJ -> expert + "w2.weight";
        };
    }

    /// The tensor at a place.
    static Tensor tensor(MixtralWeights weights, Place place) {
        if (place.target().isPresent()) {
            return place.target().get().in(weights);
        }
        return switch (place.name()) {
            case EMBEDDING -> weights.embedding();
            case OUTPUT_NORM -> weights.outputNorm();
            case OUTPUT -> weights.output();
            default -> {
                LayerWeights layer =
                        weights.layers().get(Integer.parseInt(place.name().split("\\.")[2]));
                yield place.name().endsWith("input_layernorm.weight") ? layer.attentionNorm() : layer.ffnNorm();
            }
        };
    }

    /// A model of tensors under these names.
    static MixtralWeights weights(MixtralConfig config, Function<String, Tensor> tensors) {
        List<LayerWeights> layers = new ArrayList<>();
        for (int layer = 0; layer < config.numLayers(); layer++) {
            List<SwigluWeights> experts = new ArrayList<>();
            for (int e = 0; e < config.numExperts(); e++) {
                experts.add(new SwigluWeights(
                        tensors.apply(of(new AdapterTarget(layer, Kind.GATE_PROJ, e))),
                        tensors.apply(of(new AdapterTarget(layer, Kind.UP_PROJ, e))),
                        tensors.apply(of(new AdapterTarget(layer, Kind.DOWN_PROJ, e)))));
            }
            layers.add(new LayerWeights(
                    tensors.apply(attentionNorm(layer)),
                    tensors.apply(of(new AdapterTarget(layer, Kind.WQ, 0))),
                    tensors.apply(of(new AdapterTarget(layer, Kind.WK, 0))),
                    tensors.apply(of(new AdapterTarget(layer, Kind.WV, 0))),
                    tensors.apply(of(new AdapterTarget(layer, Kind.WO, 0))),
                    tensors.apply(ffnNorm(layer)),
                    new MoeWeights(tensors.apply(of(new AdapterTarget(layer, Kind.ROUTER, 0))), experts)));
        }
        return new MixtralWeights(tensors.apply(EMBEDDING), layers, tensors.apply(OUTPUT_NORM), tensors.apply(OUTPUT));
    }
}
