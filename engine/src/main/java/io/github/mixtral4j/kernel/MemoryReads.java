package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Reads a buffer in several ways, to find how fast memory can be read.
final class MemoryReads {
    /// Bytes of a task, a piece that a thread reads at a time.
    private static final int PIECE = 1 << 20;

    /// Columns of the product: a length of row that models have.
    private static final int COLS = 4096;

    private final WorkerPool pool;
    private final MemorySegment buffer;
    private final int pieces;
    /// What was read goes here, or the loops would read nothing.
    private final int[] seen;

    MemoryReads(WorkerPool pool, MemorySegment buffer) {
        if (buffer.byteSize() / PIECE < pool.threads()) {
            throw new IllegalArgumentException("reading with " + pool.threads() + " threads needs a buffer of at least "
                    + pool.threads() + " MiB, got " + buffer.byteSize() + " bytes");
        }
        this.pool = pool;
        this.buffer = buffer;
        pieces = Math.toIntExact(buffer.byteSize() / PIECE);
        seen = new int[pieces];
        pool.run(
                pieces,
                (piece, worker) -> buffer.asSlice((long) piece * PIECE, PIECE).fill((byte) 1));
    }

    /// Bytes per second by registers of the Vector API, in the better of two orders.
    double vector() {
        int lanes = COUNT * Integer.BYTES;
        double oneStream = Roofline.bestRate(
                pool, pieces, (double) pieces * PIECE, (piece, worker) -> vector(piece, lanes, 4 * lanes));
        double fourStreams = Roofline.bestRate(
                pool, pieces, (double) pieces * PIECE, (piece, worker) -> vector(piece, PIECE / 4, lanes));
        return Math.max(oneStream, fourStreams);
    }

    /// Four loads `gap` bytes apart, then the next four `step` bytes further on.
    private void vector(int piece, int gap, int step) {
        long at = (long) piece * PIECE;
        IntVector acc0 = IntVector.zero(INTS);
        IntVector acc1 = acc0;
        IntVector acc2 = acc0;
        IntVector acc3 = acc0;
        for (int i = 0; i < PIECE / (4 * COUNT * Integer.BYTES); i++, at += step) {
            acc0 = acc0.or(IntVector.fromMemorySegment(INTS, buffer, at, NATIVE));
            acc1 = acc1.or(IntVector.fromMemorySegment(INTS, buffer, at + gap, NATIVE));
            acc2 = acc2.or(IntVector.fromMemorySegment(INTS, buffer, at + 2L * gap, NATIVE));
            acc3 = acc3.or(IntVector.fromMemorySegment(INTS, buffer, at + 3L * gap, NATIVE));
        }
        seen[piece] = acc0.or(acc1).or(acc2.or(acc3)).reduceLanes(VectorOperators.OR);
    }

    /// Bytes per second by plain Java.
    double scalar() {
        return Roofline.bestRate(pool, pieces, (double) pieces * PIECE, (piece, worker) -> scalar(piece));
    }

    private void scalar(int piece) {
        long at = (long) piece * PIECE;
        long acc0 = 0;
        long acc1 = 0;
        long acc2 = 0;
        long acc3 = 0;
        for (int i = 0; i < PIECE; i += 4 * Long.BYTES) {
            acc0 |= buffer.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i);
            acc1 |= buffer.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i + 8);
            acc2 |= buffer.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i + 16);
            acc3 |= buffer.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i + 24);
        }
        seen[piece] = (int) (acc0 | acc1 | acc2 | acc3);
    }

    /// Bytes per second of the kernels themselves, as a matrix of Q8_0 times one row: they may prefetch where plain
    /// loads wait.
    double product(Kernels kernels) {
        long rowBytes = DType.Q8_0.bytes(COLS);
        int rows = Math.toIntExact(buffer.byteSize() / rowBytes);
        Tensor w = new Tensor("buffer", DType.Q8_0, Shape.matrix(rows, COLS), buffer.asSlice(0, rows * rowBytes));
        try (Arena arena = Arena.ofShared();
                WorkerPool alone = new WorkerPool(1)) {
            Rows x = Rows.allocate(arena, 1, COLS);
            Rows y = Rows.allocate(arena, 1, rows);
            return Roofline.bestRate(alone, 1, (double) rows * rowBytes, (index, worker) -> kernels.matmul(w, x, y));
        }
    }
}
