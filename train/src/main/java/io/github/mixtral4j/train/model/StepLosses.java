package io.github.mixtral4j.train.model;

/// Losses of one batch, before any coefficient.
///
/// @param lossSum `Σ weight · −log p` over the predicted tokens
/// @param weightSum `Σ weight` over the same tokens; the mean loss is `lossSum / weightSum`
/// @param loadBalancing the load-balancing loss; the number of experts per token when all experts share the rows alike
/// @param routerZ the mean of the squared log-partition of the router
public record StepLosses(double lossSum, double weightSum, double loadBalancing, double routerZ) {}
