package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.BackwardProduct.OfInput;
import io.github.mixtral4j.kernel.BackwardProduct.OfWeights;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.util.List;

/// A trained low-rank change to a frozen matrix: `y += scale · B · (A · dropout(x))`.
///
/// The products with A are computed again in the backward pass: they are cheap, and keeping them for every matrix of
/// the model is not.
///
/// Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", eq. 3 and section 4.1.
public final class LowRankUpdate {
    private final Kernels kernels;
    private final Tensor a;
    private final Tensor b;
    private final Rows aGradient;
    private final Rows bGradient;
    private final float scale;
    private final Dropout dropout;
    private final Buffers buffers;

    /// @param a `[rank, in]`
    /// @param b `[out, rank]`; zeros at first, so that the change starts as none
    /// @param scale `alpha / rank`
    public LowRankUpdate(
            Kernels kernels,
            Rows a,
            Rows aGradient,
            Rows b,
            Rows bGradient,
            float scale,
            Dropout dropout,
            Buffers buffers) {
        this.kernels = kernels;
        this.a = tensor("lora_A", a);
        this.b = tensor("lora_B", b);
        this.aGradient = aGradient;
        this.bGradient = bGradient;
        this.scale = scale;
        this.dropout = dropout;
        this.buffers = buffers;
    }

    private static Tensor tensor(String name, Rows values) {
        return new Tensor(name, DType.F32, Shape.matrix(values.capacity(), values.cols()), values.data());
    }

    /// Adds the update's share to `y`.
    void forward(Rows x, Rows y) {
        if (dropout.isOff()) {
            return;
        }
        Rows inner = buffers.rows("inner", x.count(), a.rows());
        Rows share = buffers.rows("share", x.count(), b.rows());
        kernels.matmul(a, dropout.forward(x, buffers), inner);
        scale(inner);
        kernels.matmul(b, inner, share);
        kernels.add(y, share);
    }

    /// Adds to `dx` and to the gradients of A and B.
    void backward(Rows dy, Rows x, Rows dx) {
        Rows inner = buffers.rows("inner", x.count(), a.rows());
        Rows dInner = buffers.rows("dInner", x.count(), a.rows());
        Rows share = buffers.rows("share", x.count(), a.cols());
        Rows dropped = dropout.forward(x, buffers);
        kernels.matmul(a, dropped, inner);
        scale(inner);
        kernels.backward(List.of(new OfWeights(dy, inner, DType.F32, bGradient), new OfInput(b, dy, dInner)));
        scale(dInner);
        kernels.backward(List.of(new OfWeights(dInner, dropped, DType.F32, aGradient), new OfInput(a, dInner, share)));
        dropout.backward(share);
        kernels.add(dx, share);
    }

    private void scale(Rows rows) {
        for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < rows.cols(); i++) {
                rows.set(row, i, scale * rows.get(row, i));
            }
        }
    }
}
