package io.github.mixtral4j.testkit;

import java.util.ArrayList;
import java.util.List;

/// Weights in double precision, matrices row-major `[out, in]`, wq and wk in Mistral's row order (interleaved rotary
/// pairs).
///
/// @param config architecture numbers
/// @param embedding `[vocabSize, hiddenSize]`
/// @param layers one per block
/// @param outputNorm `[hiddenSize]`
/// @param output `[vocabSize, hiddenSize]`
public record ReferenceWeights(
        TinyConfig config, double[] embedding, List<Layer> layers, double[] outputNorm, double[] output) {

    /// @param router `[numExperts, hiddenSize]`, empty in a dense model
    /// @param experts one SwiGLU each; a dense model has one
    public record Layer(
            double[] attentionNorm,
            double[] wq,
            double[] wk,
            double[] wv,
            double[] wo,
            double[] feedForwardNorm,
            double[] router,
            List<Expert> experts) {}

    /// @param gate w1, `[intermediateSize, hiddenSize]`
    /// @param up w3, `[intermediateSize, hiddenSize]`
    /// @param down w2, `[hiddenSize, intermediateSize]`
    public record Expert(double[] gate, double[] up, double[] down) {}

    /// Decodes tensors that have Mistral's names.
    public static ReferenceWeights of(TinyConfig config, RawTensors tensors) {
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            String layer = "layers." + i + ".";
            List<Expert> experts = new ArrayList<>();
            for (int e = 0; e < config.numExperts(); e++) {
                String expert = layer + "feed_forward." + (config.isMixture() ? "experts." + e + "." : "");
                experts.add(new Expert(
                        values(tensors, expert + "w1"),
                        values(tensors, expert + "w3"),
                        values(tensors, expert + "w2")));
            }
            layers.add(new Layer(
                    values(tensors, layer + "attention_norm"),
                    values(tensors, layer + "attention.wq"),
                    values(tensors, layer + "attention.wk"),
                    values(tensors, layer + "attention.wv"),
                    values(tensors, layer + "attention.wo"),
                    values(tensors, layer + "ffn_norm"),
                    config.isMixture() ? values(tensors, layer + "feed_forward.gate") : new double[0],
                    experts));
        }
        return new ReferenceWeights(
                config, values(tensors, "tok_embeddings"), layers, values(tensors, "norm"), values(tensors, "output"));
    }

    private static double[] values(RawTensors tensors, String name) {
        return tensors.get(name + ".weight").values();
    }
}
