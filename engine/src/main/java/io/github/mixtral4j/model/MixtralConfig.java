package io.github.mixtral4j.model;

/// Architecture numbers, read from the checkpoint and validated here, in Hugging Face's words.
///
/// @param hiddenSize width of the residual stream (4096 in 8x7B)
/// @param intermediateSize width inside an expert (14336)
/// @param numLayers transformer blocks (32)
/// @param numHeads query heads (32)
/// @param numKvHeads key and value heads, a divisor of `numHeads` (8)
/// @param headDim elements of a head, even and at most 4096 (128)
/// @param vocabSize pieces of the tokenizer, rows of the embedding (32000)
/// @param numExperts experts per layer; 1 means a dense model such as Mistral 7B
/// @param numExpertsPerToken experts the router picks for a token (2)
/// @param contextLength positions the model was trained for (32768)
/// @param rmsNormEps added to the mean square in RMSNorm (1e-5)
/// @param ropeTheta base of the rotary frequencies (1e6)
/// @param rope pairing of the rotary embedding in this file's wq and wk
public record MixtralConfig(
        int hiddenSize,
        int intermediateSize,
        int numLayers,
        int numHeads,
        int numKvHeads,
        int headDim,
        int vocabSize,
        int numExperts,
        int numExpertsPerToken,
        int contextLength,
        float rmsNormEps,
        float ropeTheta,
        RopeLayout rope) {
    /// Beyond any head; those of 8x7B have 128 elements.
    private static final int MAX_HEAD_DIM = 4096;

    /// @throws IllegalArgumentException naming the number that is out of range
    public MixtralConfig {
        positive("hiddenSize", hiddenSize);
        positive("intermediateSize", intermediateSize);
        positive("numLayers", numLayers);
        positive("numHeads", numHeads);
        positive("numKvHeads", numKvHeads);
        positive("headDim", headDim);
        positive("vocabSize", vocabSize);
        positive("numExperts", numExperts);
        positive("numExpertsPerToken", numExpertsPerToken);
        positive("contextLength", contextLength);
        require(
                numHeads % numKvHeads == 0,
                "numHeads (" + numHeads + ") must be a multiple of numKvHeads (" + numKvHeads + ")");
        require(headDim % 2 == 0, "headDim must be even for rotary embedding, got " + headDim);
        require(headDim <= MAX_HEAD_DIM, "headDim must be at most " + MAX_HEAD_DIM + ", got " + headDim);
        // Kernels believe the widths: one that wrapped around would have them read beyond the matrices.
        require(
                (long) numHeads * headDim <= Integer.MAX_VALUE,
                "numHeads (" + numHeads + ") times headDim (" + headDim + ") must be at most " + Integer.MAX_VALUE);
        require(
                numExpertsPerToken <= numExperts,
                "numExpertsPerToken (" + numExpertsPerToken + ") must be at most numExperts (" + numExperts + ")");
        require(rmsNormEps > 0 && rmsNormEps < 1, "rmsNormEps must lie between 0 and 1, got " + rmsNormEps);
        require(
                ropeTheta > 1 && Float.isFinite(ropeTheta),
                "ropeTheta must be a finite number above 1, got " + ropeTheta);
    }

    /// Whether the feed-forward part is a mixture of experts.
    public boolean isMixture() {
        return numExperts > 1;
    }

    /// Width of all query heads together.
    public int queryWidth() {
        return numHeads * headDim;
    }

    /// Width of all key (or value) heads together.
    public int kvWidth() {
        return numKvHeads * headDim;
    }

    /// The same model with `k` experts per token.
    public MixtralConfig withExpertsPerToken(int k) {
        return new MixtralConfig(
                hiddenSize,
                intermediateSize,
                numLayers,
                numHeads,
                numKvHeads,
                headDim,
                vocabSize,
                numExperts,
                k,
                contextLength,
                rmsNormEps,
                ropeTheta,
                rope);
    }

    /// The same model with another context length.
    public MixtralConfig withContextLength(int length) {
        return new MixtralConfig(
                hiddenSize,
                intermediateSize,
                numLayers,
                numHeads,
                numKvHeads,
                headDim,
                vocabSize,
                numExperts,
                numExpertsPerToken,
                length,
                rmsNormEps,
                ropeTheta,
                rope);
    }

    private static void positive(String name, int value) {
        require(value > 0, name + " must be positive, got " + value);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
