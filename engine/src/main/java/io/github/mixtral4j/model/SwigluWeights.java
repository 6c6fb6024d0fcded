package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Tensor;

/// One expert: `downProj · (silu(gateProj · x) * (upProj · x))`.
///
/// @param gateProj `[intermediateSize, hiddenSize]`, w1 in Mistral's files
/// @param upProj `[intermediateSize, hiddenSize]`, w3
/// @param downProj `[hiddenSize, intermediateSize]`, w2
public record SwigluWeights(Tensor gateProj, Tensor upProj, Tensor downProj) {}
