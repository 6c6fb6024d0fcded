package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Tensor;
import java.util.List;

/// A sparse mixture of experts.
///
/// @param router `[numExperts, hiddenSize]` ("gate" in Mistral's and Hugging Face's files)
/// @param experts one per expert, in order; slices of a stack where the file stores stacks
public record MoeWeights(Tensor router, List<SwigluWeights> experts) implements FeedForwardWeights {
    public MoeWeights {
        experts = List.copyOf(experts);
    }
}
