package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// The backward products of training in bfloat16, out of the one product that C has, `x · wᵀ`: what stands the wrong
/// way round is transposed first. That is `n · k` work beside `n · k · rows`.
///
/// `dx = dy · w` multiplies `dy` with the transpose of `w`, a piece of its columns at a time. `dyᵀ · x` multiplies the
/// transpose of `dy` with that of `x`.
@SuppressWarnings("NullAway.Init") // the arguments of the product in progress
final class NativeProducts implements AutoCloseable {
    /// Bytes of the transpose of `w`, if that is more than [#COLUMNS] columns.
    private static final long PIECE_BYTES = 8 << 20;
    /// Fewest columns of a piece; whole blocks of every weight format.
    private static final int COLUMNS = 256;
    /// Rows and columns that are transposed in the first-level cache.
    private static final int BLOCK = 64;
    /// Floats from one row of a block to the next: with a power of two, all rows would fall into the same cache sets.
    private static final int STRIDE = COLUMNS + 16;

    private final WorkerPool pool;
    private final NativeMatmul matmul;
    private final VectorRowOps rowOps;
    private final Products single = new Products();
    private final Scratch weights = new Scratch();
    private final Scratch activations = new Scratch();
    private final Scratch sums = new Scratch();
    private final float[][] block;
    private final float[][] turned;
    private final WorkerPool.Task weightTask = this::transposeWeights;
    private final WorkerPool.Task roundedTask = this::transposeRounded;
    private final WorkerPool.Task floatTask = this::transposeFloats;
    private Tensor w;
    private VectorFormat format;
    private Rows rows;
    private MemorySegment target = MemorySegment.NULL;
    private int from;
    private int columns;

    NativeProducts(WorkerPool pool, NativeMatmul matmul, VectorRowOps rowOps) {
        this.pool = pool;
        this.matmul = matmul;
        this.rowOps = rowOps;
        block = new float[pool.threads()][BLOCK * STRIDE];
        turned = new float[pool.threads()][BLOCK * BLOCK];
    }

    /// `dx = dy · w`.
    void multiplyTransposed(Tensor matrix, VectorFormat weightFormat, Rows dy, Rows dx) {
        w = matrix;
        format = weightFormat;
        int n = w.rows();
        long fit = PIECE_BYTES / (2L * n) / COLUMNS * COLUMNS;
        int piece = (int) Math.clamp(fit, COLUMNS, Math.max(COLUMNS, w.cols()));
        for (from = 0; from < w.cols(); from += piece) {
            columns = Math.min(piece, w.cols() - from);
            long bytes = 2L * columns * n;
            target = weights.bytes(bytes).asSlice(0, bytes);
            pool.run(Math.ceilDiv(n, BLOCK), weightTask);
            Tensor transposed = new Tensor("transpose", DType.BF16, Shape.matrix(columns, n), target);
            if (columns == w.cols()) {
                multiply(transposed, dy, dx);
            } else {
                Rows part = Rows.of(sums.floats((long) dy.count() * columns), dy.count(), columns);
                multiply(transposed, dy, part);
                for (int row = 0; row < dy.count(); row++) {
                    long to = dx.offset(row) + (long) from * Float.BYTES;
                    MemorySegment.copy(part.data(), part.offset(row), dx.data(), to, part.rowBytes());
                }
            }
        }
    }

    /// `dw += dyᵀ · x`.
    void addGradient(Rows dy, Rows x, Rows dw) {
        int count = dy.count();
        long bytes = 2L * x.cols() * count;
        rows = x;
        target = weights.bytes(bytes).asSlice(0, bytes);
        pool.run(Math.ceilDiv(count, BLOCK), roundedTask);
        Tensor transposed = new Tensor("transpose", DType.BF16, Shape.matrix(x.cols(), count), target);
        rows = dy;
        target = activations.floats((long) dy.cols() * count);
        pool.run(Math.ceilDiv(count, BLOCK), floatTask);
        Rows sum = Rows.of(sums.floats((long) dw.count() * dw.cols()), dw.count(), dw.cols());
        multiply(transposed, Rows.of(target, dy.cols(), count), sum);
        rowOps.add(dw, sum);
    }

    private void multiply(Tensor transposed, Rows x, Rows y) {
        matmul.multiply(single.clear().add(transposed, x, y), Precision.FINE);
    }

    private void transposeWeights(int task, int worker) {
        int first = task * BLOCK;
        int count = Math.min(BLOCK, w.rows() - first);
        for (int column = 0; column < columns; column += COLUMNS) {
            int width = Math.min(COLUMNS, columns - column);
            for (int r = 0; r < count; r++) {
                long at = (first + r) * w.rowBytes() + w.dtype().bytes(from + column);
                format.expand(w.data(), at, width, block[worker], r * STRIDE);
            }
            storeRounded(worker, column, width, w.rows(), first, count);
        }
    }

    private void transposeRounded(int task, int worker) {
        int first = task * BLOCK;
        int count = Math.min(BLOCK, rows.count() - first);
        for (int column = 0; column < rows.cols(); column += COLUMNS) {
            int width = Math.min(COLUMNS, rows.cols() - column);
            load(first, count, column, width, block[worker]);
            storeRounded(worker, column, width, rows.count(), first, count);
        }
    }

    private void transposeFloats(int task, int worker) {
        int first = task * BLOCK;
        int count = Math.min(BLOCK, rows.count() - first);
        float[] out = turned[worker];
        for (int column = 0; column < rows.cols(); column += BLOCK) {
            int width = Math.min(BLOCK, rows.cols() - column);
            load(first, count, column, width, block[worker]);
            turn(block[worker], 0, out);
            for (int c = 0; c < width; c++) {
                long at = ((long) (column + c) * rows.count() + first) * Float.BYTES;
                MemorySegment.copy(out, c * BLOCK, target, Rows.FLOAT, at, count);
            }
        }
    }

    private void load(int first, int count, int column, int width, float[] to) {
        for (int r = 0; r < count; r++) {
            long at = rows.offset(first + r) + (long) column * Float.BYTES;
            MemorySegment.copy(rows.data(), Rows.FLOAT, at, to, r * STRIDE, width);
        }
    }

    /// Stores the block in progress, `count` rows from `first` on, as columns of a matrix of `stride` columns.
    private void storeRounded(int worker, int column, int width, int stride, int first, int count) {
        float[] out = turned[worker];
        for (int part = 0; part < width; part += BLOCK) {
            turn(block[worker], part, out);
            for (int c = 0; c < Math.min(BLOCK, width - part); c++) {
                Bfloat16.round(out, c * BLOCK, count, target, 2 * ((long) (column + part + c) * stride + first));
            }
        }
    }

    private static void turn(float[] in, int at, float[] out) {
        for (int c = 0; c < BLOCK; c++) {
            for (int r = 0; r < BLOCK; r++) {
                out[c * BLOCK + r] = in[at + r * STRIDE + c];
            }
        }
    }

    @Override
    public void close() {
        weights.close();
        activations.close();
        sums.close();
    }
}
