package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;

/// Sets a share of elements to zero in training and makes the others larger, so that their sum stays what it is.
///
/// Which ones follows from a seed and the element's place, so that a backward pass, or a second forward pass, drops the
/// same without a mask being kept.
///
/// Source: Srivastava et al. 2014, "Dropout".
public final class Dropout {
    /// What the low-rank updates of a model share: whether they count, and what their masks follow from. Changed
    /// between passes.
    public static final class Mode {
        private boolean training;
        private boolean off;
        private long seed;

        /// Elements are dropped from now on, as this seed has it.
        public void train(long withSeed) {
            training = true;
            seed = withSeed;
        }

        /// Nothing is dropped from now on.
        public void evaluate() {
            training = false;
        }

        /// Whether updates are left out altogether, so that the model is its frozen base.
        public void leaveOut(boolean leftOut) {
            off = leftOut;
        }
    }

    private final Kernels kernels;
    private final Mode mode;
    private final float rate;
    private final long salt;

    /// @param rate share of elements that become zero
    /// @param salt a number of its own for every place where elements are dropped
    public Dropout(Kernels kernels, Mode mode, float rate, long salt) {
        this.kernels = kernels;
        this.mode = mode;
        this.rate = rate;
        this.salt = salt;
    }

    /// Whether the updates are left out.
    boolean isOff() {
        return mode.off;
    }

    /// `x` with elements dropped, in a buffer; or `x` itself where nothing is dropped.
    Rows forward(Rows x, Buffers buffers) {
        if (!mode.training || rate == 0) {
            return x;
        }
        Rows out = buffers.rows("dropped", x.count(), x.cols());
        apply(x, out);
        return out;
    }

    /// Drops the same elements of a gradient, in place.
    void backward(Rows dx) {
        if (mode.training && rate > 0) {
            apply(dx, dx);
        }
    }

    private void apply(Rows x, Rows out) {
        float keep = 1 / (1 - rate);
        long seed = mix(mode.seed + salt);
        kernels.training().parallel(x.count(), (row, worker) -> {
            for (int i = 0; i < x.cols(); i++) {
                // 24 bits are uniform in [0, 1).
                float draw = (mix(seed + (long) row * x.cols() + i) >>> 40) * 0x1p-24f;
                out.set(row, i, draw < rate ? 0 : x.get(row, i) * keep);
            }
        });
    }

    /// A bijection that scatters neighbours (Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators").
    private static long mix(long value) {
        long z = value * 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
