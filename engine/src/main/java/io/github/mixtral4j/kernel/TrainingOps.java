package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;

/// The hot loops that only training needs, beside the products of [Kernels]. [ScalarTrainingOps] defines what each
/// means, [VectorTrainingOps] is the same, faster. [Kernels#training()] has them.
///
/// Everything is float32. Sums over rows are taken in an order that does not depend on the number of threads.
/// Arguments are checked by `assert` only.
public sealed interface TrainingOps permits ScalarTrainingOps, VectorTrainingOps {
    /// Runs a loop of the caller's on the threads of these kernels; see [WorkerPool#run].
    void parallel(int count, WorkerPool.Task task);

    /// Backward of [Kernels#rmsNorm]: `dx += ∂/∂x`, `dWeight += ∂/∂weight`.
    ///
    /// With `s = 1 / sqrt(mean(x²) + eps)` of a row of D elements, `dx = s·w·dy − x · s³/D · Σ(w·dy·x)` and
    /// `dWeight = Σ rows dy·x·s`.
    void rmsNormBackward(Rows x, Rows weight, float eps, Rows dy, Rows dx, Rows dWeight);

    /// `out = scale · silu(gate) * up`, each row with a scale of its own; as [Kernels#swiglu] but keeping `gate`.
    ///
    /// @param scales one per row
    void swiglu(Rows gate, Rows up, float[] scales, Rows out);

    /// Backward of [#swiglu] in place: `gate` becomes `∂/∂gate`, `up` becomes `∂/∂up`, and
    /// `dScales = Σ dOut · silu(gate) · up` of each row.
    ///
    /// @param scales one per row
    /// @param dScales receives one per row
    void swigluBackward(Rows gate, Rows up, Rows dOut, float[] scales, float[] dScales);

    /// `out[row] = Σ k values[slots[row · perRow + k]]`.
    void sumRows(Rows values, int[] slots, int perRow, Rows out);

    /// Cross entropy of rows of logits, and its gradient in their place:
    /// `logits = weights[row] · (softmax(logits) − onehot(targets[row]))`.
    ///
    /// @param logProbs receives `log softmax(logits)[targets[row]]` of each row
    void crossEntropy(Rows logits, int[] targets, float[] weights, float[] logProbs);

    /// Causal attention within samples: row `i` of a sample attends to the rows of that sample up to `i`.
    ///
    /// @param q `[rows, numHeads * headDim]`, already rotated
    /// @param k `[rows, numKvHeads * headDim]`, already rotated; each head of `k` and `v` serves
    ///     `numHeads / numKvHeads` consecutive heads of `q`
    /// @param v `[rows, numKvHeads * headDim]`
    /// @param bounds first row of each sample, ascending, and the number of rows
    /// @param out `[rows, numHeads * headDim]`
    /// @param logSums `[rows, numHeads]`, receives `log Σ e^score`, which the backward pass starts from
    void attend(Rows q, Rows k, Rows v, int headDim, int[] bounds, Rows out, Rows logSums);

    /// Backward of [#attend]; sets `dq`, `dk` and `dv`.
    ///
    /// Source: Dao et al. 2022, "FlashAttention", appendix B.2.
    void attendBackward(
            Rows q,
            Rows k,
            Rows v,
            int headDim,
            int[] bounds,
            Rows out,
            Rows logSums,
            Rows dOut,
            Rows dq,
            Rows dk,
            Rows dv);

    /// One step of AdamW over a tensor, in the calling thread, as those below: [#parallel] shares the tensors
    /// out. With `g = gradientScale · gradient`,
    /// `mean = β₁·mean + (1 − β₁)·g`, `square = β₂·square + (1 − β₂)·g²` and
    /// `value = value·(1 − rate·decay) − rate · mean/(1 − β₁ᵗ) / (√(square/(1 − β₂ᵗ)) + ε)`.
    ///
    /// Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
    void adamW(Rows value, Rows gradient, Rows mean, Rows square, AdamStep step);

    /// The numbers of one step.
    ///
    /// @param rate learning rate of this step
    /// @param decay weight decay, multiplied by the rate; 0 for tensors that do not decay
    /// @param step number of this step, from 1
    /// @param gradientScale what gradients are multiplied with first: clipping
    record AdamStep(float rate, float beta1, float beta2, float epsilon, float decay, long step, float gradientScale) {
        /// `rate / (1 − β₁ᵗ)`.
        float meanRate() {
            return (float) (rate / (1 - Math.pow(beta1, step)));
        }

        /// `1 / √(1 − β₂ᵗ)`.
        float rootScale() {
            return (float) (1 / Math.sqrt(1 - Math.pow(beta2, step)));
        }
    }

    /// Sum of the squares of all elements in use, in the calling thread.
    double squaredNorm(Rows x);

    /// Rounds all elements in use to bfloat16, to nearest, ties to even, in the calling thread.
    ///
    /// @param out receives 2 bytes per element
    void toBfloat16(Rows x, MemorySegment out);
}
