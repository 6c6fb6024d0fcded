package io.github.mixtral4j.model;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.Tensor;

/// A low-rank change to a weight matrix `w [out, in]`: with it, `w · x` becomes `w · x + scale · b · (a · x)`.
///
/// Source: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", eq. 3; `scale` is its `alpha / r`
/// times whatever the user asks for.
///
/// @param a `[rank, in]`
/// @param b `[out, rank]`
/// @param scale how much of the change counts
public record LowRank(Tensor a, Tensor b, float scale) {
    /// @throws IllegalArgumentException if the matrices do not fit each other, or `scale` is not finite
    public LowRank {
        if (a.shape().rank() != 2 || b.shape().rank() != 2 || a.rows() != b.cols()) {
            throw new IllegalArgumentException(
                    a.name() + " " + a.shape() + " and " + b.name() + " " + b.shape() + " have no common rank");
        }
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException(a.name() + ": the scale must be a finite number, got " + scale);
        }
    }

    /// Inner width of the change.
    public int rank() {
        return a.rows();
    }

    /// Whether it changes nothing: `b` before training, and what fills the place of an expert in a stack.
    public boolean isZero() {
        if (scale == 0) {
            return true;
        }
        for (float value : bValues()) {
            if (value != 0) {
                return false;
            }
        }
        return true;
    }

    /// Looks at every number of the change.
    ///
    /// @throws IllegalArgumentException naming the first that is NaN or infinite
    public void requireFinite() {
        requireFinite(a, aValues());
        requireFinite(b, bValues());
    }

    private static void requireFinite(Tensor tensor, float[] values) {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw new IllegalArgumentException(
                        tensor.name() + ": expected finite numbers, found " + values[i] + " at element " + i);
            }
        }
    }

    /// The numbers of `a`, row by row.
    public float[] aValues() {
        return values(a);
    }

    /// The numbers of `b`, row by row.
    public float[] bValues() {
        return values(b);
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.multiplyExact(tensor.rows(), tensor.cols())];
        BlockCodec.of(tensor.dtype()).decode(tensor.data(), 0, values, 0, values.length);
        return values;
    }

    /// The same change, `factor` times as strong.
    public LowRank times(float factor) {
        return new LowRank(a, b, scale * factor);
    }
}
