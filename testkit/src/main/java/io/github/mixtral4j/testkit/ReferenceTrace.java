package io.github.mixtral4j.testkit;

import java.util.List;

/// Everything that [ReferenceMixtral] computed for one sequence; first index the token.
///
/// @param ids the tokens
/// @param embedding `[tokens, hiddenSize]`, what enters the first block
/// @param layers one per block
/// @param finalNorm `[tokens, hiddenSize]`
/// @param logits `[tokens, vocabSize]`
public record ReferenceTrace(
        int[] ids, double[][] embedding, List<Layer> layers, double[][] finalNorm, double[][] logits) {

    /// One block: two sub-layers, each adding to the residual stream.
    public record Layer(Attention attention, FeedForward feedForward) {
        /// Chosen experts by falling logit, `[tokens, numExpertsPerToken]`.
        public int[][] experts() {
            return feedForward.experts;
        }
    }

    /// The first half of a block.
    ///
    /// @param norm `[tokens, hiddenSize]`
    /// @param queries after rotation, `[tokens, numHeads * headDim]`
    /// @param keys after rotation, `[tokens, numKvHeads * headDim]`
    /// @param values `[tokens, numKvHeads * headDim]`
    /// @param heads weighted values of all heads, before wo, `[tokens, numHeads * headDim]`
    /// @param output after wo, `[tokens, hiddenSize]`
    /// @param residual the stream with the output added, `[tokens, hiddenSize]`
    public record Attention(
            double[][] norm,
            double[][] queries,
            double[][] keys,
            double[][] values,
            double[][] heads,
            double[][] output,
            double[][] residual) {}

    /// The second half of a block. In a dense model the router's arrays are empty per token.
    ///
    /// @param norm `[tokens, hiddenSize]`
    /// @param routerLogits `[tokens, numExperts]`
    /// @param experts chosen experts by falling logit, `[tokens, numExpertsPerToken]`
    /// @param expertWeights their shares, sum 1
    /// @param output weighted sum of the experts' outputs, `[tokens, hiddenSize]`
    /// @param residual the stream with the output added, `[tokens, hiddenSize]`
    public record FeedForward(
            double[][] norm,
            double[][] routerLogits,
            int[][] experts,
            double[][] expertWeights,
            double[][] output,
            double[][] residual) {}

    /// Logits after the last token.
    public double[] lastLogits() {
        return logits[logits.length - 1];
    }

    /// Mean negative log-likelihood of each token but the first, given those before it; NaN for a single token.
    public double nllMean() {
        double sum = 0;
        for (int t = 0; t + 1 < ids.length; t++) {
            sum -= Math.log(ReferenceMixtral.softmax(logits[t])[ids[t + 1]]);
        }
        return sum / (ids.length - 1);
    }

    /// Hugging Face's `load_balancing_loss_func`: rows of all layers pooled, `E * sum over choices k and experts e of
    /// (share of rows whose k-th choice is e) * (mean probability of e)`; K in perfect balance.
    public double loadBalancingLoss() {
        int experts = layers.getFirst().feedForward.routerLogits[0].length;
        int choices = layers.getFirst().experts()[0].length;
        double[] meanProbability = new double[experts];
        double[][] share = new double[choices][experts];
        double rows = (double) layers.size() * ids.length;
        for (Layer layer : layers) {
            for (int t = 0; t < ids.length; t++) {
                double[] probabilities = ReferenceMixtral.softmax(layer.feedForward.routerLogits[t]);
                for (int e = 0; e < experts; e++) {
                    meanProbability[e] += probabilities[e] / rows;
                }
                for (int k = 0; k < choices; k++) {
                    share[k][layer.experts()[t][k]] += 1 / rows;
                }
            }
        }
        double loss = 0;
        for (int k = 0; k < choices; k++) {
            for (int e = 0; e < experts; e++) {
                loss += experts * share[k][e] * meanProbability[e];
            }
        }
        return loss;
    }
}
