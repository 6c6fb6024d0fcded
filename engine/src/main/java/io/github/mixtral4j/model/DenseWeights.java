package io.github.mixtral4j.model;

/// The feed-forward of a dense model (Mistral 7B): one expert, no router.
public record DenseWeights(SwigluWeights swiglu) implements FeedForwardWeights {}
