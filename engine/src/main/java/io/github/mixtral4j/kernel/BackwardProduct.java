package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;

/// What a product `y = x · wᵀ` gives backwards, for [Kernels#backward]. All rows are borrowed.
public sealed interface BackwardProduct {
    /// To its input: `dx = dy · w`. A quantized `w` is decoded piece by piece.
    ///
    /// @param w `[n, k]`
    /// @param dy `[rows, n]`
    /// @param dx `[rows, k]`, rows in use as in `dy`
    record OfInput(Tensor w, Rows dy, Rows dx) implements BackwardProduct {
        public OfInput {
            assert w.rows() == dy.cols() && w.cols() == dx.cols() && dy.count() == dx.count();
        }
    }

    /// To its weights: `dw += dyᵀ · x`.
    ///
    /// @param dy `[rows, n]`
    /// @param x `[rows, k]`, rows in use as in `dy`
    /// @param precision F32, or BF16 where both factors may be rounded to it; sums are float32 in any case
    /// @param dw `[n, k]`
    record OfWeights(Rows dy, Rows x, DType precision, Rows dw) implements BackwardProduct {
        public OfWeights {
            assert dy.cols() == dw.count() && x.cols() == dw.cols() && dy.count() == x.count();
        }
    }
}
