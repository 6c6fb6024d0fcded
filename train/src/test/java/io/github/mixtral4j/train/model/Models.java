package io.github.mixtral4j.train.model;

import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Tiny models and batches for tests.
final class Models {
    private Models() {}

    /// No two numbers are alike that could be mixed up.
    static MixtralConfig config() {
        return new MixtralConfig(12, 20, 2, 6, 2, 4, 23, 5, 2, 64, 1e-5f, 1e4f, RopeLayout.INTERLEAVED);
    }

    /// Random numbers of a size at which every operation matters, in place of those a training starts from.
    static void scatter(TrainableMixtral model, long seed) {
        Random random = new Random(seed);
        for (Parameter parameter : model.parameters()) {
            Rows value = parameter.value();
            boolean norm = !parameter.decays();
            double deviation = parameter.name().contains("embed") ? 0.7 : 1.4 / Math.sqrt(parameter.cols());
            for (int row = 0; row < value.count(); row++) {
                for (int i = 0; i < value.cols(); i++) {
                    value.set(row, i, (float)
                            (norm ? 0.7 + 0.6 * random.nextDouble() : deviation * random.nextGaussian()));
                }
            }
        }
        model.parametersChanged();
    }

    /// Three samples of 7, 1 and 5 tokens, with weights of all kinds.
    static PackedBatch batch() {
        return new PackedBatch(
                new int[] {1, 7, 9, 22, 7, 7, 3, 5, 1, 4, 0, 7, 2},
                new int[] {0, 1, 2, 3, 4, 5, 6, 0, 0, 1, 2, 3, 4},
                new int[] {0, 7, 8},
                new float[] {9, 1, 0.5f, 1, 0, 1, 2, 1, 9, -0.25f, 0, 1, 1});
    }

    /// A model whose rows are whole blocks of 32.
    static MixtralConfig wide() {
        return new MixtralConfig(32, 64, 2, 4, 2, 8, 23, 4, 2, 64, 1e-5f, 1e4f, RopeLayout.HALF_SPLIT);
    }

    /// The same weights with matrices in another format; norms and routers stay as they are.
    static MixtralWeights quantized(MixtralWeights weights, DType type) {
        List<LayerWeights> layers = new ArrayList<>();
        for (LayerWeights w : weights.layers()) {
            MoeWeights moe = (MoeWeights) w.feedForward();
            List<SwigluWeights> experts = moe.experts().stream()
                    .map(e -> new SwigluWeights(
                            encode(e.gateProj(), type), encode(e.upProj(), type), encode(e.downProj(), type)))
                    .toList();
            layers.add(new LayerWeights(
                    w.attentionNorm(),
                    encode(w.wq(), type),
                    encode(w.wk(), type),
                    encode(w.wv(), type),
                    encode(w.wo(), type),
                    w.ffnNorm(),
                    new MoeWeights(moe.router(), experts)));
        }
        return new MixtralWeights(
                encode(weights.embedding(), type), layers, weights.outputNorm(), encode(weights.output(), type));
    }

    private static Tensor encode(Tensor tensor, DType type) {
        float[] values = new float[tensor.rows() * tensor.cols()];
        BlockCodec.of(tensor.dtype()).decode(tensor.data(), 0, values, 0, values.length);
        MemorySegment data = Arena.ofAuto().allocate(type.bytes(values.length), 64);
        BlockCodec.of(type).encode(values, 0, data, 0, values.length);
        return new Tensor(tensor.name(), type, tensor.shape(), data);
    }
}
