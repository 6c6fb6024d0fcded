package io.github.mixtral4j.train.model;

import java.util.List;

/// Something with parameters and a loss. One thread uses it at a time; the same calls give the same numbers, whatever
/// the number of threads behind them.
public interface Trainable {
    /// What an optimizer may change, in an order that never changes. Frozen weights are not among them.
    List<Parameter> parameters();

    /// Adds to every [Parameter#gradient()] the gradient of
    /// `scale · lossSum + auxiliaryScale · (balance coefficient · loadBalancing + z coefficient · routerZ)`.
    ///
    /// A step of several batches passes `1 / (weightSum of all)` and `1 / (number of batches)`. The caller sets
    /// gradients to zero before the first batch of a step.
    ///
    /// @throws IllegalArgumentException if a token or the number of rows does not fit the model
    StepLosses forwardBackward(PackedBatch batch, float scale, float auxiliaryScale);

    /// The losses alone, without gradients and without dropout.
    StepLosses evaluate(PackedBatch batch);

    /// `log p` of every token given what precedes it in its sample, 0 for the first of a sample; without dropout.
    /// The weights of the batch are not looked at.
    float[] logProbs(PackedBatch batch);

    /// Says that parameters have changed: copies in other formats are made anew. Called once after every change.
    void parametersChanged();

    /// Rows that each expert was given by the last batch, `[layer][expert]`.
    long[][] expertLoad();
}
