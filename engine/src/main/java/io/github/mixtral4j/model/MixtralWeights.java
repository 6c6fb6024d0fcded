package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Tensor;
import java.util.List;

/// All weights of a model. The tensors borrow from the checkpoint that opened them.
///
/// @param embedding token embeddings `[vocabSize, hiddenSize]`
/// @param layers one per block, in order
/// @param outputNorm `[hiddenSize]`
/// @param output the head, `[vocabSize, hiddenSize]`
public record MixtralWeights(Tensor embedding, List<LayerWeights> layers, Tensor outputNorm, Tensor output) {
    public MixtralWeights {
        layers = List.copyOf(layers);
    }
}
