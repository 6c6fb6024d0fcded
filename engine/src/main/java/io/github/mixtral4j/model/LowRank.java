package io.github.mixtral4j.model;

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

    /// The same change, `factor` times as strong.
    public LowRank times(float factor) {
        return new LowRank(a, b, scale * factor);
    }
}
