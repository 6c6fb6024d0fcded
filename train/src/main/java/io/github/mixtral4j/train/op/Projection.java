package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.BackwardProduct;
import io.github.mixtral4j.kernel.BackwardProduct.OfInput;
import io.github.mixtral4j.kernel.BackwardProduct.OfWeights;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.Precision;
import io.github.mixtral4j.kernel.Products;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
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
        forward(List.of(new Forward(this, x, y)));
    }

    /// `dx = dy · w`, and `dw += dyᵀ · x` where the weight is trained.
    public void backward(Rows dy, Rows x, Rows dx) {
        backward(List.of(new Backward(this, dy, x, dx)));
    }

    /// What one of several projections is to do forward.
    public record Forward(Projection of, Rows x, Rows y) {}

    /// What one of several projections is to do backward.
    public record Backward(Projection of, Rows dy, Rows x, Rows dx) {}

    /// Several at once, of the same kernels; no one reads what another one writes.
    public static void forward(List<Forward> several) {
        Products products = new Products();
        several.forEach(one -> products.add(one.of.weight, one.x, one.y));
        if (products.size() > 0) {
            several.getFirst().of.kernels.matmul(products, Precision.FINE);
        }
        several.forEach(one -> one.of.update.ifPresent(low -> low.forward(one.x, one.y)));
    }

    /// Several at once, of the same kernels; no one reads what another one writes.
    public static void backward(List<Backward> several) {
        List<BackwardProduct> products = new ArrayList<>();
        for (Backward one : several) {
            products.add(new OfInput(one.of.weight, one.dy, one.dx));
            one.of.gradient.ifPresent(dw -> products.add(new OfWeights(one.dy, one.x, one.of.precision, dw)));
        }
        if (!products.isEmpty()) {
            several.getFirst().of.kernels.backward(products);
        }
        several.forEach(one -> one.of.update.ifPresent(low -> low.backward(one.dy, one.x, one.dx)));
    }
}
