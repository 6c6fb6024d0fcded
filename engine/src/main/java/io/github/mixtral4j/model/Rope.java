package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;

/// Rotary position embedding: turns pair `i` of every head by `position * theta^(-2i / headDim)`.
///
/// Example: headDim 4, theta 10000, position 3 turns the first pair by 3 and the second by 0.03 radians.
///
/// Angles are computed in float64, so that long contexts stay exact.
///
/// Source: Su et al. 2021, "RoFormer", eq. 15.
final class Rope {
    private final int headDim;
    private final RopeLayout layout;
    private final double[] frequencies;

    Rope(MixtralConfig config) {
        headDim = config.headDim();
        layout = config.rope();
        frequencies = new double[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = Math.pow(config.ropeTheta(), -2.0 * i / headDim);
        }
    }

    /// Computes the angles of a batch, the same in all layers: `headDim / 2` cosines, then as many sines in each row.
    ///
    /// @param angles receives one row of `headDim` floats for each position
    void angles(int[] positions, Rows angles) {
        int half = headDim / 2;
        for (int row = 0; row < positions.length; row++) {
            for (int i = 0; i < half; i++) {
                double angle = positions[row] * frequencies[i];
                angles.set(row, i, (float) Math.cos(angle));
                angles.set(row, half + i, (float) Math.sin(angle));
            }
        }
    }

    /// Turns all heads of the rows in use of `x` in place.
    void apply(Rows x, Rows angles) {
        for (int row = 0; row < x.count(); row++) {
            turn(x, row, angles.data(), angles.offset(row));
        }
    }

    private void turn(Rows x, int row, MemorySegment angles, long at) {
        int half = headDim / 2;
        int step = layout == RopeLayout.INTERLEAVED ? 2 : 1;
        int partner = layout == RopeLayout.INTERLEAVED ? 1 : half;
        MemorySegment data = x.data();
        for (int head = 0; head < x.cols(); head += headDim) {
            for (int i = 0; i < half; i++) {
                long first = x.offset(row) + (long) (head + i * step) * Float.BYTES;
                long second = first + (long) partner * Float.BYTES;
                float cos = angles.get(Rows.FLOAT, at + (long) i * Float.BYTES);
                float sin = angles.get(Rows.FLOAT, at + (long) (half + i) * Float.BYTES);
                float a = data.get(Rows.FLOAT, first);
                float b = data.get(Rows.FLOAT, second);
                data.set(Rows.FLOAT, first, a * cos - b * sin);
                data.set(Rows.FLOAT, second, a * sin + b * cos);
            }
        }
    }
}
