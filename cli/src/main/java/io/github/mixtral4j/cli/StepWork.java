package io.github.mixtral4j.cli;

import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Tensor;
import java.util.function.ToLongFunction;

/// What a forward pass has to read from memory and to compute, at the least: each weight is read once, of the experts
/// those that some row goes to; activations stay in the cache.
///
/// @param rows rows of the pass
/// @param bytes bytes of weights, and of the keys and values that exist before it
/// @param operations multiplications and additions: two for each weight that a row meets, and attention's
record StepWork(int rows, double bytes, double operations) {
    /// The pass that adds `rows` tokens to each of `sequences` sequences of `context` tokens and wants logits for the
    /// last of each.
    static StepWork of(OpenModel model, DType kvType, int sequences, int rows, int context) {
        MixtralConfig c = model.config();
        MixtralWeights all = model.loaded().weights();
        ModelSizes sizes = ModelSizes.of(c, all);
        ToLongFunction<Tensor> bytes = tensor -> tensor.data().byteSize();
        ToLongFunction<Tensor> weights = tensor -> tensor.shape().elements();
        int total = sequences * rows;
        double read = ModelSizes.layers(all, expertsMet(c, total), bytes)
                + sizes.headBytesPerToken()
                + (double) sequences * context * KvCache.bytesPerToken(c, kvType);
        double layers = ModelSizes.layers(all, c.numExpertsPerToken(), weights);
        // A query meets each key and each value before it and its own, with a multiply-add for each number of a head.
        double pairs = (double) total * (context + (rows + 1) / 2.0);
        double attention = 4.0 * c.numLayers() * c.queryWidth() * pairs;
        long head = weights.applyAsLong(all.outputNorm()) + weights.applyAsLong(all.output());
        return new StepWork(total, read, 2 * total * layers + 2.0 * sequences * head + attention);
    }

    /// Experts of a layer that somebody goes to when rows choose at random: all but those that everybody leaves out.
    private static double expertsMet(MixtralConfig c, int rows) {
        double experts = c.numExperts();
        return experts * (1 - Math.pow(1 - c.numExpertsPerToken() / experts, rows));
    }
}
