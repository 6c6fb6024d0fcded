package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.Locale;

/// What a product `y = x · wᵀ` gives backwards, for [Kernels#backward]. All rows are borrowed. Shapes that do not fit
/// are
/// refused with an [IllegalArgumentException]: C would write beyond the result.
public sealed interface BackwardProduct {
    /// To its input: `dx = dy · w`. A quantized `w` is decoded piece by piece.
    ///
    /// @param w `[n, k]`
    /// @param dy `[rows, n]`
    /// @param dx `[rows, k]`, rows in use as in `dy`
    record OfInput(Tensor w, Rows dy, Rows dx) implements BackwardProduct {
        public OfInput {
            require(w.rows() == dy.cols() && w.cols() == dx.cols() && dy.count() == dx.count(), "dx = dy · w", dy, dx);
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
            require(
                    dy.cols() == dw.count() && x.cols() == dw.cols() && dy.count() == x.count(),
                    "dw += dyᵀ · x",
                    dy,
                    x);
        }
    }

    private static void require(boolean fits, String product, Rows a, Rows b) {
        if (!fits) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "the shapes of %s do not go together, with [%d, %d] and [%d, %d]",
                    product,
                    a.count(),
                    a.cols(),
                    b.count(),
                    b.cols()));
        }
    }
}
