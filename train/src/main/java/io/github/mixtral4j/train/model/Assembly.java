package io.github.mixtral4j.train.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.train.model.ParameterNames.Place;
import io.github.mixtral4j.train.op.Attention;
import io.github.mixtral4j.train.op.Buffers;
import io.github.mixtral4j.train.op.Dropout;
import io.github.mixtral4j.train.op.Embedding;
import io.github.mixtral4j.train.op.Experts;
import io.github.mixtral4j.train.op.LowRankUpdate;
import io.github.mixtral4j.train.op.Projection;
import io.github.mixtral4j.train.op.RmsNorm;
import io.github.mixtral4j.train.op.Rope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;

/// Puts a trainable model together: its parameters, where they start from, and the operations that read them.
final class Assembly {
    /// A parameter and its copy in bfloat16.
    record Copy(Parameter parameter, MemorySegment data) {}

    final Kernels kernels;
    final MixtralConfig config;
    final TrainingOptions options;
    final Arena arena = Arena.ofShared();
    final Buffers buffers;
    final Dropout.Mode dropout = new Dropout.Mode();
    final List<Parameter> parameters = new ArrayList<>();
    /// The parameters that have copies in bfloat16.
    final List<Copy> copies = new ArrayList<>();
    /// The pairs of an adapter, A then B.
    final Map<AdapterTarget, List<Parameter>> updates = new LinkedHashMap<>();
    private final Map<String, Projection> projections = new LinkedHashMap<>();
    private final Map<String, RmsNorm> norms = new LinkedHashMap<>();
    private Optional<Embedding> embedding = Optional.empty();
    private Optional<MixtralWeights> base = Optional.empty();
    private float updateScale;

    private Assembly(Kernels kernels, MixtralConfig config, TrainingOptions options) {
        if (!config.isMixture()) {
            throw new IllegalArgumentException(
                    "training needs a mixture of experts, got a model with one expert per layer");
        }
        this.kernels = kernels;
        this.config = config;
        this.options = options;
        buffers = new Buffers(arena, Math.multiplyExact(options.maxRows(), config.numExpertsPerToken()));
    }

    /// Random weights: normal, of deviation 1 / √(inputs), so that a product is as large as what goes in, and
    /// smaller where a block adds to the residual stream, so that its size does not grow with the number of
    /// layers. Embeddings and norms are of size 1. A fixed deviation, such as the 0.02 of large models, is too
    /// small for small ones: all scores of attention are nearly 0, and what tells tokens apart is learnt late.
    ///
    /// Source: LeCun et al. 1998, "Efficient BackProp", section 4.6; Radford et al. 2019, "Language Models are
    /// Unsupervised Multitask Learners", section 2.3.
    static Assembly random(Kernels kernels, MixtralConfig config, TrainingOptions options, long seed) {
        Assembly assembly = new Assembly(kernels, config, options);
        Random random = new Random(seed);
        double depth = Math.sqrt(2.0 * config.numLayers());
        for (Place place : ParameterNames.of(config)) {
            Parameter parameter = assembly.parameter(place);
            boolean addsToResidual = place.target()
                    .map(target ->
                            target.kind() == AdapterTarget.Kind.WO || target.kind() == AdapterTarget.Kind.DOWN_PROJ)
                    .orElse(false);
            if (place.isNorm()) {
                fill(parameter.value(), 1);
            } else {
                double product = 1 / Math.sqrt(place.cols());
                gaussian(
                        parameter.value(),
                        random,
                        place.isEmbedding() ? 1 : addsToResidual ? product / depth : product);
            }
            assembly.trained(place, parameter);
        }
        return assembly;
    }

    /// All weights of a model, trained further.
    static Assembly of(Kernels kernels, MixtralConfig config, TrainingOptions options, MixtralWeights weights) {
        Assembly assembly = new Assembly(kernels, config, options);
        for (Place place : ParameterNames.of(config)) {
            Parameter parameter = assembly.parameter(place);
            decode(ParameterNames.tensor(weights, place), parameter.value());
            assembly.trained(place, parameter);
        }
        return assembly;
    }

    /// Frozen weights with trained low-rank updates.
    static Assembly adapted(
            Kernels kernels, MixtralConfig config, TrainingOptions options, MixtralWeights base, LoraOptions lora) {
        Assembly assembly = new Assembly(kernels, config, options);
        assembly.base = Optional.of(base);
        assembly.updateScale = lora.alpha() / lora.rank();
        Random random = new Random(lora.seed());
        for (Place place : ParameterNames.of(config)) {
            assembly.frozen(place, ParameterNames.tensor(base, place), lora, random);
        }
        if (assembly.updates.isEmpty()) {
            throw new IllegalArgumentException("none of the experts " + lora.experts() + " is one of the model's "
                    + config.numExperts() + ", so that the adapter would change nothing");
        }
        return assembly;
    }

    private Parameter parameter(Place place) {
        Parameter parameter = new Parameter(place.name(), place.rows(), place.cols(), !place.isNorm(), arena);
        parameters.add(parameter);
        return parameter;
    }

    private void trained(Place place, Parameter parameter) {
        Tensor exact = floats(parameter);
        if (place.isNorm()) {
            norms.put(place.name(), new RmsNorm(kernels, parameter.value(), parameter.gradient(), config.rmsNormEps()));
        } else if (place.isEmbedding()) {
            embedding = Optional.of(new Embedding(kernels, exact, Optional.of(parameter.gradient())));
        } else {
            boolean router = place.target()
                    .map(target -> target.kind() == AdapterTarget.Kind.ROUTER)
                    .orElse(false);
            DType type = router ? DType.F32 : options.compute();
            Tensor read = type == DType.F32 ? exact : copy(parameter);
            projections.put(place.name(), Projection.trained(kernels, read, parameter.gradient(), type));
        }
    }

    private Tensor copy(Parameter parameter) {
        Shape shape = Shape.matrix(parameter.rows(), parameter.cols());
        MemorySegment data = arena.allocate(DType.BF16.bytes(shape.elements()), 64);
        copies.add(new Copy(parameter, data));
        return new Tensor(parameter.name(), DType.BF16, shape, data);
    }

    private void frozen(Place place, Tensor tensor, LoraOptions lora, Random random) {
        if (place.isNorm()) {
            Rows weight = Rows.allocate(arena, 1, place.cols());
            decode(tensor, weight);
            Rows unread = Rows.allocate(arena, 1, place.cols());
            norms.put(place.name(), new RmsNorm(kernels, weight, unread, config.rmsNormEps()));
        } else if (place.isEmbedding()) {
            embedding = Optional.of(new Embedding(kernels, tensor, Optional.empty()));
        } else {
            Optional<LowRankUpdate> update =
                    place.target().filter(lora::includes).map(target -> update(place, target, lora, random));
            projections.put(place.name(), Projection.frozen(kernels, tensor, update));
        }
    }

    /// A starts as `kaiming_uniform(a = √5)` does in PEFT, uniform within `1 / √in`, and B as zeros.
    private LowRankUpdate update(Place place, AdapterTarget target, LoraOptions lora, Random random) {
        String name = place.name().substring(0, place.name().length() - ".weight".length());
        Parameter a = new Parameter(name + ".lora_A.weight", lora.rank(), place.cols(), true, arena);
        Parameter b = new Parameter(name + ".lora_B.weight", place.rows(), lora.rank(), true, arena);
        double limit = 1 / Math.sqrt(place.cols());
        for (int row = 0; row < a.rows(); row++) {
            for (int i = 0; i < a.cols(); i++) {
                a.value().set(row, i, (float) ((2 * random.nextDouble() - 1) * limit));
            }
        }
        parameters.add(a);
        parameters.add(b);
        updates.put(target, List.of(a, b));
        return new LowRankUpdate(
                kernels,
                a.value(),
                a.gradient(),
                b.value(),
                b.gradient(),
                updateScale,
                new Dropout(kernels, dropout, lora.dropout(), updates.size()),
                buffers);
    }

    /// The layers, once every tensor has its place.
    List<Block> blocks() {
        Rope rope = new Rope(kernels, config);
        Attention attention = new Attention(kernels, config.headDim());
        List<Block> blocks = new ArrayList<>();
        for (int layer = 0; layer < config.numLayers(); layer++) {
            List<Experts.Expert> experts = new ArrayList<>();
            for (int e = 0; e < config.numExperts(); e++) {
                experts.add(new Experts.Expert(
                        projection(layer, AdapterTarget.Kind.GATE_PROJ, e),
                        projection(layer, AdapterTarget.Kind.UP_PROJ, e),
                        projection(layer, AdapterTarget.Kind.DOWN_PROJ, e)));
            }
            int maxSlots = options.maxRows() * config.numExpertsPerToken();
            blocks.add(new Block(
                    kernels,
                    buffers,
                    norm(ParameterNames.attentionNorm(layer)),
                    projection(layer, AdapterTarget.Kind.WQ, 0),
                    projection(layer, AdapterTarget.Kind.WK, 0),
                    projection(layer, AdapterTarget.Kind.WV, 0),
                    rope,
                    attention,
                    projection(layer, AdapterTarget.Kind.WO, 0),
                    norm(ParameterNames.ffnNorm(layer)),
                    projection(layer, AdapterTarget.Kind.ROUTER, 0),
                    new Experts(kernels, experts, maxSlots, buffers)));
        }
        return blocks;
    }

    private Projection projection(int layer, AdapterTarget.Kind kind, int expert) {
        return projection(ParameterNames.of(new AdapterTarget(layer, kind, expert)));
    }

    Projection projection(String name) {
        return Objects.requireNonNull(projections.get(name));
    }

    RmsNorm norm(String name) {
        return Objects.requireNonNull(norms.get(name));
    }

    Embedding embedding() {
        return embedding.orElseThrow();
    }

    /// The weights as they are now: the frozen base, or views of the parameters.
    MixtralWeights weights() {
        return base.orElseGet(() -> {
            Map<String, Tensor> tensors = new HashMap<>();
            parameters.forEach(parameter -> tensors.put(parameter.name(), floats(parameter)));
            return ParameterNames.weights(config, name -> Objects.requireNonNull(tensors.get(name)));
        });
    }

    /// The updates as they are now.
    Map<AdapterTarget, LowRank> changes() {
        Map<AdapterTarget, LowRank> changes = new LinkedHashMap<>();
        updates.forEach((target, pair) ->
                changes.put(target, new LowRank(floats(pair.getFirst()), floats(pair.getLast()), updateScale)));
        return changes;
    }

    /// A parameter's values as a tensor, without a copy.
    private static Tensor floats(Parameter parameter) {
        Shape shape = parameter.name().endsWith("norm.weight")
                ? Shape.of(parameter.cols())
                : Shape.matrix(parameter.rows(), parameter.cols());
        return new Tensor(parameter.name(), DType.F32, shape, parameter.value().data());
    }

    private static void decode(Tensor from, Rows to) {
        float[] row = new float[to.cols()];
        for (int i = 0; i < to.capacity(); i++) {
            BlockCodec.of(from.dtype()).decode(from.data(), i * from.rowBytes(), row, 0, row.length);
            MemorySegment.copy(row, 0, to.data(), Rows.FLOAT, to.offset(i), row.length);
        }
    }

    private static void fill(Rows rows, float value) {
        for (int row = 0; row < rows.capacity(); row++) {
            for (int i = 0; i < rows.cols(); i++) {
                rows.set(row, i, value);
            }
        }
    }

    private static void gaussian(Rows rows, Random random, double deviation) {
        for (int row = 0; row < rows.capacity(); row++) {
            for (int i = 0; i < rows.cols(); i++) {
                rows.set(row, i, (float) (deviation * random.nextGaussian()));
            }
        }
    }
}
