package io.github.mixtral4j.cli;

import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.ForwardObserver;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.Routing;
import io.github.mixtral4j.model.Workspace;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/// One pass over given tokens with everything the `logits` command tells about it.
///
/// @param logits of the last position
/// @param experts `[layer][token][K]`, best first; no layers for a dense model
/// @param nll mean next-token loss; absent for a single token
/// @param loadBalancingLoss absent for a dense model
record Probe(float[] logits, int[][][] experts, OptionalDouble nll, OptionalDouble loadBalancingLoss) {
    /// Rows whose logits are computed at once: 64 rows of a vocabulary of 32768 are 8 MB.
    private static final int STEP = 64;

    /// @throws IllegalArgumentException if there are no tokens, one is not in the vocabulary, or they are more than the
    ///     model's context
    static Probe run(Mixtral model, int[] tokens, DType kvType) {
        MixtralConfig config = model.config();
        if (tokens.length == 0 || tokens.length > config.contextLength()) {
            throw new IllegalArgumentException(
                    "the model runs 1 to " + config.contextLength() + " tokens, got " + tokens.length);
        }
        for (int token : tokens) {
            if (token < 0 || token >= config.vocabSize()) {
                throw new IllegalArgumentException(
                        "token ids of this model are 0 to " + (config.vocabSize() - 1) + ", got " + token);
            }
        }
        int rows = Math.min(STEP, tokens.length);
        try (KvCache cache = KvCache.allocate(config, tokens.length, kvType);
                Workspace work = Workspace.allocate(config, rows, rows)) {
            RouterStatistics routers = new RouterStatistics(config, tokens.length);
            work.observe(routers);
            int sequence = cache.openSequence();
            double nll = 0;
            float[] last = {};
            for (int from = 0; from < tokens.length; from += rows) {
                int count = Math.min(rows, tokens.length - from);
                routers.first = from;
                model.forward(
                        Batch.ofSequence(
                                sequence,
                                from,
                                tokens,
                                from,
                                count,
                                IntStream.range(0, count).toArray()),
                        cache,
                        work);
                for (int i = 0; i < count && from + i + 1 < tokens.length; i++) {
                    nll += nll(row(work.logits(), i), tokens[from + i + 1]);
                }
                last = row(work.logits(), count - 1);
            }
            return new Probe(
                    last,
                    routers.experts,
                    tokens.length > 1 ? OptionalDouble.of(nll / (tokens.length - 1)) : OptionalDouble.empty(),
                    config.isMixture() ? OptionalDouble.of(routers.loadBalancingLoss()) : OptionalDouble.empty());
        }
    }

    private static float[] row(Rows rows, int row) {
        return rows.data()
                .asSlice(rows.offset(row), (long) rows.cols() * Float.BYTES)
                .toArray(Rows.FLOAT);
    }

    private static double nll(float[] logits, int next) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double total = 0;
        for (float logit : logits) {
            total += Math.exp(logit - max);
        }
        return Math.log(total) + max - logits[next];
    }

    /// Collects the routers' choices and what the load-balancing loss needs of their logits.
    private static final class RouterStatistics implements ForwardObserver {
        private final int[][][] experts;
        /// Rows of all layers whose `k`-th choice is an expert, `[K][E]`.
        private final long[][] chosen;
        /// Sum over rows of all layers of the softmax over all experts, `[E]`.
        private final double[] probability;
        private long rows;
        private int first;

        RouterStatistics(MixtralConfig config, int tokens) {
            int perToken = config.numExpertsPerToken();
            experts = config.isMixture() ? new int[config.numLayers()][tokens][perToken] : new int[0][][];
            chosen = new long[perToken][config.numExperts()];
            probability = new double[config.numExperts()];
        }

        @Override
        public void routing(int layer, Rows logits, Routing routing) {
            for (int row = 0; row < routing.rows(); row++) {
                for (int k = 0; k < routing.expertsPerToken(); k++) {
                    int expert = routing.choice(row, k);
                    experts[layer][first + row][k] = expert;
                    chosen[k][expert]++;
                }
                float[] values = row(logits, row);
                for (int e = 0; e < values.length; e++) {
                    // exp(-nll) is the softmax of one element.
                    probability[e] += Math.exp(-nll(values, e));
                }
            }
            rows += routing.rows();
        }

        /// `E * Σ over k, e of f[k, e] * P[e]`: `f` the share of rows whose `k`-th choice is `e`, `P` the mean
        /// probability of `e`. Layers are pooled.
        ///
        /// Source: `load_balancing_loss_func` in transformers' modeling_mixtral.py; Fedus et al. 2021, "Switch
        /// Transformers", eq. 4.
        double loadBalancingLoss() {
            double sum = 0;
            for (long[] ofChoice : chosen) {
                for (int e = 0; e < probability.length; e++) {
                    sum += (double) ofChoice[e] / rows * (probability[e] / rows);
                }
            }
            return probability.length * sum;
        }
    }
}
