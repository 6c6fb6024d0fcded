package io.github.mixtral4j.train.loss;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;

/// `Σ weight · −log softmax(logits)[target]` over rows, a sum and not a mean: whoever knows all batches of a step
/// divides. Rows are given in pieces, because the logits of all of them would be the largest matrix of the model.
public final class CrossEntropy {
    private final Kernels kernels;
    private final float[] targetWeights;
    private double lossSum;
    private double weightSum;

    /// @param maxRows most rows of a piece
    public CrossEntropy(Kernels kernels, int maxRows) {
        this.kernels = kernels;
        targetWeights = new float[maxRows];
    }

    /// Starts a new sum.
    public void reset() {
        lossSum = 0;
        weightSum = 0;
    }

    /// Adds rows, and leaves the gradient of `scale` times their loss in the place of the logits.
    ///
    /// @param targets token that each row is to predict
    /// @param weights weight of each row
    /// @param logProbs receives `log p` of each target
    public void add(Rows logits, int[] targets, float[] weights, float scale, float[] logProbs) {
        for (int row = 0; row < logits.count(); row++) {
            targetWeights[row] = scale * weights[row];
        }
        kernels.training().crossEntropy(logits, targets, targetWeights, logProbs);
        for (int row = 0; row < logits.count(); row++) {
            lossSum -= (double) weights[row] * logProbs[row];
            weightSum += weights[row];
        }
    }

    /// The sum since [#reset].
    public double lossSum() {
        return lossSum;
    }

    /// The weights since [#reset].
    public double weightSum() {
        return weightSum;
    }
}
