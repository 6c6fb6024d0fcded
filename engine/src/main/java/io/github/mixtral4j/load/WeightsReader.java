package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.load.TensorNaming.Part;
import io.github.mixtral4j.model.DenseWeights;
import io.github.mixtral4j.model.FeedForwardWeights;
import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/// Takes the tensors of a checkpoint to their places in the model, each checked against the shape the config asks for.
/// Copies nothing: experts of a stack are slices of it.
final class WeightsReader {
    private final Checkpoint checkpoint;
    private final TensorNaming naming;
    private final MixtralConfig config;
    private final String moe;
    private final Set<String> used = new HashSet<>();

    WeightsReader(Checkpoint checkpoint, TensorNaming naming, MixtralConfig config) {
        this.checkpoint = checkpoint;
        this.naming = naming;
        this.config = config;
        boolean mlp = checkpoint
                .tensors()
                .containsKey(naming.template(Part.ROUTER).replace("{i}", "0").replace("{moe}", "mlp"));
        this.moe = mlp ? "mlp" : "block_sparse_moe";
    }

    /// All weights of the model.
    ///
    /// @param tied whether the embedding serves as the head as well
    /// @throws CheckpointException if a tensor is missing, has another shape, or has no place in the model
    MixtralWeights read(boolean tied) {
        Tensor embedding = tensor(name(Part.EMBEDDING, 0), config.vocabSize(), config.hiddenSize());
        List<LayerWeights> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            layers.add(layer(i));
        }
        Tensor outputNorm = tensor(name(Part.OUTPUT_NORM, 0), config.hiddenSize());
        Tensor output = embedding;
        if (tied) {
            used.add(name(Part.OUTPUT, 0));
        } else {
            output = tensor(name(Part.OUTPUT, 0), config.vocabSize(), config.hiddenSize());
        }
        refuseUnused();
        return new MixtralWeights(embedding, layers, outputNorm, output);
    }

    private LayerWeights layer(int i) {
        int hidden = config.hiddenSize();
        return new LayerWeights(
                tensor(name(Part.ATTENTION_NORM, i), hidden),
                tensor(name(Part.WQ, i), config.queryWidth(), hidden),
                tensor(name(Part.WK, i), config.kvWidth(), hidden),
                tensor(name(Part.WV, i), config.kvWidth(), hidden),
                tensor(name(Part.WO, i), hidden, config.queryWidth()),
                tensor(name(Part.FFN_NORM, i), hidden),
                feedForward(i));
    }

    private FeedForwardWeights feedForward(int i) {
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        if (!config.isMixture()) {
            return new DenseWeights(new SwigluWeights(
                    tensor(name(Part.GATE_PROJ, i), inner, hidden),
                    tensor(name(Part.UP_PROJ, i), inner, hidden),
                    tensor(name(Part.DOWN_PROJ, i), hidden, inner)));
        }
        Tensor router = tensor(name(Part.ROUTER, i), config.numExperts(), hidden);
        return new MoeWeights(
                router,
                switch (naming.experts()) {
                    case SEPARATE -> separateExperts(i);
                    case STACKED -> stackedExperts(i);
                    case GATE_UP_STACKED -> gateUpStackedExperts(i);
                });
    }

    private List<SwigluWeights> separateExperts(int i) {
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        return experts(e -> new SwigluWeights(
                tensor(expertName(naming.expertGate(), i, e), inner, hidden),
                tensor(expertName(naming.expertUp(), i, e), inner, hidden),
                tensor(expertName(naming.expertDown(), i, e), hidden, inner)));
    }

    private List<SwigluWeights> stackedExperts(int i) {
        int count = config.numExperts();
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        Tensor gate = tensor(expertName(naming.expertGate(), i, 0), count, inner, hidden);
        Tensor up = tensor(expertName(naming.expertUp(), i, 0), count, inner, hidden);
        Tensor down = tensor(expertName(naming.expertDown(), i, 0), count, hidden, inner);
        return experts(e -> new SwigluWeights(gate.slice(e), up.slice(e), down.slice(e)));
    }

    private List<SwigluWeights> gateUpStackedExperts(int i) {
        int count = config.numExperts();
        int hidden = config.hiddenSize();
        int inner = config.intermediateSize();
        Tensor gateUp = tensor(expertName(naming.expertGate(), i, 0), count, 2 * inner, hidden);
        Tensor down = tensor(expertName(naming.expertDown(), i, 0), count, hidden, inner);
        return experts(e -> {
            Tensor both = gateUp.slice(e);
            return new SwigluWeights(both.rows(0, inner), both.rows(inner, 2 * inner), down.slice(e));
        });
    }

    private List<SwigluWeights> experts(IntFunction<SwigluWeights> expert) {
        List<SwigluWeights> experts = new ArrayList<>();
        for (int e = 0; e < config.numExperts(); e++) {
            experts.add(expert.apply(e));
        }
        return experts;
    }

    /// The tensor with this name, if it has this shape.
    private Tensor tensor(String name, int... expected) {
        Tensor tensor = checkpoint.tensor(name);
        int[] found = new int[tensor.shape().rank()];
        Arrays.setAll(found, tensor.shape()::dim);
        if (!Arrays.equals(found, expected)) {
            throw new CheckpointException(checkpoint.name() + ": " + name + ": expected shape "
                    + Arrays.toString(expected) + " from the config, found " + tensor.shape());
        }
        used.add(name);
        return tensor;
    }

    /// A bias, a further layer or an adapter, in whatever format, would change what the model computes.
    private void refuseUnused() {
        Set<String> unreadable =
                checkpoint instanceof SafetensorsCheckpoint safetensors ? safetensors.unreadable() : Set.of();
        List<String> unused = Stream.concat(
                        checkpoint.tensors().keySet().stream(),
                        unreadable.stream().sorted())
                .filter(name -> !used.contains(name) && !TensorNaming.isIgnored(name))
                .toList();
        if (!unused.isEmpty()) {
            throw new CheckpointException(checkpoint.name() + ": " + unused.getFirst()
                    + (unused.size() == 1 ? "" : " and " + (unused.size() - 1) + " more tensors")
                    + " have no place in a model of " + config.numLayers() + " layers and " + config.numExperts()
                    + " experts without biases; leaving them out would change its answers");
        }
    }

    private String name(Part part, int layer) {
        return expertName(naming.template(part), layer, 0);
    }

    private String expertName(String template, int layer, int expert) {
        return template.replace("{i}", Integer.toString(layer))
                .replace("{e}", Integer.toString(expert))
                .replace("{moe}", moe);
    }
}
