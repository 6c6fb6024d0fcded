package io.github.mixtral4j.model;

/// The feed-forward part of a block: a mixture of experts, or one expert that every token takes.
public sealed interface FeedForwardWeights permits MoeWeights, DenseWeights {}
