package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;

/// Causal grouped attention within samples: softmax of `q · k / sqrt(headDim)` over a row's sample up to the row
/// itself, then the weighted sum of the values.
///
/// Source: Ainslie et al. 2023, "GQA".
public record Attention(Kernels kernels, int headDim) {
    /// Sets `out`, and `logSums` for the backward pass.
    ///
    /// @param bounds first row of each sample, and the number of rows
    /// @param logSums `[rows, numHeads]`
    public void forward(Rows q, Rows k, Rows v, int[] bounds, Rows out, Rows logSums) {
        kernels.training().attend(q, k, v, headDim, bounds, out, logSums);
    }

    /// Sets `dq`, `dk` and `dv`.
    public void backward(
            Rows q, Rows k, Rows v, int[] bounds, Rows out, Rows logSums, Rows dOut, Rows dq, Rows dk, Rows dv) {
        kernels.training().attendBackward(q, k, v, headDim, bounds, out, logSums, dOut, dq, dk, dv);
    }
}
