package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.Optional;

/// A weight matrix of the model: `y = x · wᵀ`. It is trained, or frozen; and a frozen one, of any format, may have a
/// low-rank update beside it that is trained.
///
/// @param weight `[out, in]`: the numbers that products read
/// @param gradient `[out, in]`, where the gradient of the weight is added; empty if it is frozen
/// @param update the low-rank update, if any
/// @param precision of the gradient's product: F32, or BF16 where its factors may be rounded
public record Projection(
        Kernels kernels, Tensor weight, Optional<Rows> gradient, Optional<LowRankUpdate> update, DType precision) {

    /// A matrix that is trained.
    public static Projection trained(Kernels kernels, Tensor weight, Rows gradient, DType precision) {
        return new Projection(kernels, weight, Optional.of(gradient), Optional.empty(), precision);
    }

    /// A matrix that stays as it is.
    public static Projection frozen(Kernels kernels, Tensor weight, Optional<LowRankUpdate> update) {
        return new Projection(kernels, weight, Optional.empty(), update, DType.F32);
    }

    /// `y = x · wᵀ`, and the update's share.
    public void forward(Rows x, Rows y) {
        kernels.matmul(weight, x, y);
        update.ifPresent(low -> low.forward(x, y));
    }

    /// `dx = dy · w`, and `dw += dyᵀ · x` where the weight is trained.
    public void backward(Rows dy, Rows x, Rows dx) {
        kernels.matmulTransposed(weight, dy, dx);
        update.ifPresent(low -> low.backward(dy, x, dx));
        gradient.ifPresent(dw -> kernels.matmulGradient(dy, x, precision, dw));
    }
}
