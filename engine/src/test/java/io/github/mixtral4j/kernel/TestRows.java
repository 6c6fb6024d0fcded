package io.github.mixtral4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/// Random numbers for kernels, and how two kernels' results are compared.
final class TestRows {
    private TestRows() {}

    /// A matrix of a format, at any address. Its mean is not 0, so that minimums of blocks count.
    static Tensor weights(Arena arena, DType type, int rows, int k, Random random) {
        float[] values = new float[rows * k];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() + 0.1);
        }
        MemorySegment data = arena.allocate(type.bytes(k) * rows, 1);
        BlockCodec.of(type).encode(values, 0, data, 0, values.length);
        return new Tensor("w", type, Shape.matrix(rows, k), data);
    }

    /// Normal numbers, somewhere in a larger buffer, each time in another place.
    static Rows gaussian(Arena arena, int rows, int cols, Random random) {
        Rows x = Rows.allocate(arena, rows + 3, cols).slice(random.nextInt(4), rows);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < cols; i++) {
                x.set(row, i, (float) random.nextGaussian());
            }
        }
        return x;
    }

    static Rows copy(Arena arena, Rows x) {
        Rows copy = Rows.allocate(arena, x.count(), x.cols());
        copy(x, copy);
        return copy;
    }

    static void copy(Rows from, Rows to) {
        MemorySegment.copy(from.data(), from.offset(0), to.data(), to.offset(0), from.rowBytes() * from.count());
    }

    /// Differences of at most the tolerance; where 1 is exceeded, of that share. NaN equals nothing.
    static void assertClose(String what, Rows expected, Rows actual, double tolerance) {
        compare(what, expected, actual, tolerance, true);
    }

    /// Differences of at most the tolerance, however large the numbers are.
    static void assertAbsolutelyClose(String what, Rows expected, Rows actual, double tolerance) {
        compare(what, expected, actual, tolerance, false);
    }

    private static void compare(String what, Rows expected, Rows actual, double tolerance, boolean relative) {
        for (int row = 0; row < expected.count(); row++) {
            for (int i = 0; i < expected.cols(); i++) {
                double e = expected.get(row, i);
                double a = actual.get(row, i);
                double allowed = relative ? tolerance * Math.max(1, Math.abs(e)) : tolerance;
                if (!(Math.abs(e - a) <= allowed)) {
                    assertThat(a)
                            .as("%s at [%d, %d], within %s, seeded by the shape", what, row, i, allowed)
                            .isEqualTo(e);
                }
            }
        }
    }
}
