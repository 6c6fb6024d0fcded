package io.github.mixtral4j.model;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;

/// Random adapters, and the weights they come to when they are added to a model number by number.
public final class TestAdapters {
    private static final Arena ARENA = Arena.ofAuto();

    private TestAdapters() {}

    /// Changes all matrices that `chosen` accepts, about a third as large as the weights.
    public static Adapter random(MixtralConfig config, int rank, int seed, Predicate<AdapterTarget> chosen) {
        Random random = new Random(seed);
        Map<AdapterTarget, LowRank> changes = new LinkedHashMap<>();
        for (AdapterTarget target : AdapterTarget.all(config)) {
            if (chosen.test(target)) {
                changes.put(
                        target,
                        new LowRank(
                                matrix("a", rank, target.cols(config), random, 1 / Math.sqrt(target.cols(config))),
                                matrix("b", target.rows(config), rank, random, 1 / Math.sqrt(rank)),
                                0.5f));
            }
        }
        return new Adapter("random " + seed, changes);
    }

    private static Tensor matrix(String name, int rows, int cols, Random random, double deviation) {
        float[] values = new float[rows * cols];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * deviation);
        }
        return tensor(name, rows, cols, values);
    }

    public static Tensor tensor(String name, int rows, int cols, float[] values) {
        MemorySegment data = ARENA.allocate((long) values.length * Float.BYTES, 64);
        MemorySegment.copy(values, 0, data, Rows.FLOAT, 0, values.length);
        return new Tensor(name, DType.F32, Shape.matrix(rows, cols), data);
    }

    public static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        BlockCodec.of(tensor.dtype()).decode(tensor.data(), 0, values, 0, values.length);
        return values;
    }

    /// The weights with the adapters added to them, as F32.
    static MixtralWeights merged(MixtralConfig config, MixtralWeights weights, List<Adapter> adapters) {
        Map<AdapterTarget, Tensor> tensors = new LinkedHashMap<>();
        for (AdapterTarget target : AdapterTarget.all(config)) {
            Tensor w = target.in(weights);
            double[] sum = new double[w.rows() * w.cols()];
            float[] base = values(w);
            for (int i = 0; i < sum.length; i++) {
                sum[i] = base[i];
            }
            for (Adapter adapter : adapters) {
                LowRank change = adapter.changes().get(target);
                if (change != null) {
                    add(sum, change);
                }
            }
            float[] rounded = new float[sum.length];
            for (int i = 0; i < sum.length; i++) {
                rounded[i] = (float) sum[i];
            }
            tensors.put(target, tensor(w.name(), w.rows(), w.cols(), rounded));
        }
        return with(config, weights, tensors);
    }

    private static void add(double[] sum, LowRank change) {
        float[] a = values(change.a());
        float[] b = values(change.b());
        int cols = change.a().cols();
        for (int i = 0; i < sum.length; i++) {
            for (int r = 0; r < change.rank(); r++) {
                sum[i] += (double) change.scale() * b[i / cols * change.rank() + r] * a[r * cols + i % cols];
            }
        }
    }

    private static MixtralWeights with(MixtralConfig config, MixtralWeights weights, Map<AdapterTarget, Tensor> w) {
        List<LayerWeights> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            LayerWeights layer = weights.layers().get(i);
            List<SwigluWeights> experts = new ArrayList<>();
            for (int e = 0; e < config.numExperts(); e++) {
                experts.add(new SwigluWeights(
                        get(w, i, AdapterTarget.Kind.GATE_PROJ, e),
                        get(w, i, AdapterTarget.Kind.UP_PROJ, e),
                        get(w, i, AdapterTarget.Kind.DOWN_PROJ, e)));
            }
            layers.add(new LayerWeights(
                    layer.attentionNorm(),
                    get(w, i, AdapterTarget.Kind.WQ, 0),
                    get(w, i, AdapterTarget.Kind.WK, 0),
                    get(w, i, AdapterTarget.Kind.WV, 0),
                    get(w, i, AdapterTarget.Kind.WO, 0),
                    layer.ffnNorm(),
                    config.isMixture()
                            ? new MoeWeights(get(w, i, AdapterTarget.Kind.ROUTER, 0), experts)
                            : new DenseWeights(experts.getFirst())));
        }
        return new MixtralWeights(weights.embedding(), layers, weights.outputNorm(), weights.output());
    }

    private static Tensor get(Map<AdapterTarget, Tensor> tensors, int layer, AdapterTarget.Kind kind, int expert) {
        Tensor tensor = tensors.get(new AdapterTarget(layer, kind, expert));
        if (tensor == null) {
            throw new IllegalStateException(kind + " of layer " + layer);
        }
        return tensor;
    }
}
