package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Tensor;

/// Weights of one block.
///
/// @param attentionNorm `[hiddenSize]`
/// @param wq `[numHeads * headDim, hiddenSize]`
/// @param wk `[numKvHeads * headDim, hiddenSize]`
/// @param wv `[numKvHeads * headDim, hiddenSize]`
/// @param wo `[hiddenSize, numHeads * headDim]`
/// @param ffnNorm `[hiddenSize]`
/// @param feedForward the experts, or the one feed-forward of a dense model
public record LayerWeights(
        Tensor attentionNorm,
        Tensor wq,
        Tensor wk,
        Tensor wv,
        Tensor wo,
        Tensor ffnNorm,
        FeedForwardWeights feedForward) {}
