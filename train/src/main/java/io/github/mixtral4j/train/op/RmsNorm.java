package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;

/// `y = x / sqrt(mean(x²) + eps) * weight`, row by row.
///
/// @param weight one row
/// @param gradient of the weight; of a frozen one, memory that nobody reads
/// Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4.
public record RmsNorm(Kernels kernels, Rows weight, Rows gradient, float eps) {
    /// Normalizes.
    public void forward(Rows x, Rows y) {
        kernels.rmsNorm(x, weight, eps, y);
    }

    /// Adds to `dx`: what the residual path gives is there already.
    public void backward(Rows x, Rows dy, Rows dx) {
        kernels.training().rmsNormBackward(x, weight, eps, dy, dx, gradient);
    }
}
