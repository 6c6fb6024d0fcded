package io.github.mixtral4j.benchmarks;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/// The kinds of kernels and the random data they run on. Owns its memory and threads; closing frees them.
final class Twins implements AutoCloseable {
    /// Rows of weights that are encoded; more are copies of them, because encoding is slow and speed depends on where
    /// bytes lie, not on what they are.
    private static final int ENCODED_ROWS = 256;

    final Kernels scalar;
    final Kernels vector;
    /// What is chosen automatically: C where it runs.
    final Kernels automatic;

    private final Arena arena = Arena.ofShared();
    private final Random random = new Random(20240417);

    /// Starts all kernels with as many threads each.
    Twins(int threads) {
        scalar = Kernels.create(KernelKind.SCALAR, threads);
        vector = Kernels.create(KernelKind.VECTOR, threads);
        automatic = Kernels.create(KernelKind.AUTO, threads);
    }

    Arena arena() {
        return arena;
    }

    /// A matrix of normally distributed weights.
    Tensor weights(DType type, int rows, int cols) {
        long rowBytes = type.bytes(cols);
        MemorySegment data = arena.allocate(rowBytes * rows, 64);
        int encoded = Math.min(rows, ENCODED_ROWS);
        float[] row = new float[cols];
        for (int i = 0; i < encoded; i++) {
            fill(row);
            BlockCodec.of(type).encode(row, 0, data, i * rowBytes, cols);
        }
        for (int i = encoded; i < rows; i++) {
            MemorySegment.copy(data, (i % encoded) * rowBytes, data, i * rowBytes, rowBytes);
        }
        return new Tensor("w", type, Shape.matrix(rows, cols), data);
    }

    /// Normally distributed activations.
    Rows activations(int rows, int cols) {
        Rows x = Rows.allocate(arena, rows, cols);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < cols; i++) {
                x.set(row, i, (float) random.nextGaussian());
            }
        }
        return x;
    }

    /// Room for results.
    Rows rows(int rows, int cols) {
        return Rows.allocate(arena, rows, cols);
    }

    /// Fills elements of `type` with normally distributed values.
    void fill(DType type, MemorySegment data) {
        float[] values = new float[type.blockElements() * 64];
        long bytes = type.bytes(values.length);
        for (long offset = 0; offset + bytes <= data.byteSize(); offset += bytes) {
            fill(values);
            BlockCodec.of(type).encode(values, 0, data, offset, values.length);
        }
    }

    private void fill(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
    }

    /// Refuses to measure a kernel that computes something else than its twin.
    ///
    /// @param tolerance allowed difference, as a part of the spread of what is expected
    static void verify(String what, Rows expected, Rows actual, double tolerance) {
        double squares = 0;
        double largest = 0;
        for (int row = 0; row < expected.count(); row++) {
            for (int i = 0; i < expected.cols(); i++) {
                double e = expected.get(row, i);
                double difference = Math.abs(e - actual.get(row, i));
                squares += e * e;
                // Not Math.max alone: a NaN has to fail.
                largest = difference <= largest ? largest : difference;
            }
        }
        double spread = Math.sqrt(squares / ((double) expected.count() * expected.cols()));
        if (!(spread > 0 && largest <= tolerance * spread)) {
            throw new IllegalStateException(what + ": the result and the scalar one differ by " + largest
                    + ", allowed is " + tolerance + " of the spread " + spread);
        }
    }

    @Override
    public void close() {
        scalar.close();
        vector.close();
        automatic.close();
        arena.close();
    }
}
