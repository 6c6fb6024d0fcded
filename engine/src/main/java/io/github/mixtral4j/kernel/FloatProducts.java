package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;
import static io.github.mixtral4j.kernel.PanelProduct.PANEL;

import io.github.mixtral4j.kernel.BackwardProduct.OfInput;
import io.github.mixtral4j.kernel.BackwardProduct.OfWeights;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;

/// The products of training in float32, on the Vector API: `x · wᵀ`, `dy · w` and `dyᵀ · x`.
///
/// All are `c[m, n] = a[m, k] · b[k, n]`. A block of `b`, [#DEPTH] by [#WIDTH], is copied into panels that all threads
/// share; a quantized `w` is decoded there, so that it never exists whole. A task takes [#HEIGHT] rows of `a` and `c`.
/// Sums are taken in the order of `k`, whatever the number of threads.
///
/// Lanes run along the columns of `c` here and along its rows in [VectorGemm]: nothing but `w` in `x · wᵀ` is
/// transposed, which costs less the more rows `x` has.
///
/// Source: Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication".
@SuppressWarnings("NullAway.Init") // the arguments of the product in progress
final class FloatProducts {
    /// From so many rows on, `x · wᵀ` is better made here than by [VectorGemm].
    static final int MANY_ROWS = 640;

    private static final int DEPTH = 512;
    /// A block of `b` fills half of a second-level cache; whole blocks of every weight format.
    private static final int WIDTH = 256;
    /// Rows of a task, a multiple of 6 and of every register's lanes.
    private static final int HEIGHT = 48;
    /// Floats from one row of `a` to the next: with a power of two, all rows would fall into the same cache sets.
    private static final int STRIDE = DEPTH + 16;
    /// Floats from one panel to the next, for the same reason.
    private static final int PANEL_STRIDE = PANEL * DEPTH + 64;
    /// Rows of `b` that a task copies.
    private static final int PACKED = 16;

    /// Which operands of a product stand how in memory.
    private enum Kind {
        /// `x · wᵀ`: panels hold the transpose of `w`.
        FORWARD,
        /// `dy · w`.
        TRANSPOSED,
        /// `dyᵀ · x`, added to what is there: `a` is the transpose of `dy`.
        GRADIENT
    }

    private final WorkerPool pool;
    private final float[] panels = new float[WIDTH / PANEL * PANEL_STRIDE];
    private final float[][] left;
    private final float[][] result;
    private final float[][] decoded;
    private final WorkerPool.Task packTask = this::pack;
    private final WorkerPool.Task tileTask = this::tile;
    private Kind kind;
    private Tensor w;
    private VectorFormat format;
    private Rows a;
    private Rows b;
    private Rows c;
    /// The block in progress.
    private int fromDepth;
    private int depth;
    private int fromColumn;
    private int columns;

    FloatProducts(WorkerPool pool) {
        this.pool = pool;
        left = new float[pool.threads()][HEIGHT * STRIDE];
        result = new float[pool.threads()][HEIGHT * WIDTH];
        decoded = new float[pool.threads()][Math.max(DEPTH, WIDTH)];
    }

    /// `y = x · wᵀ`.
    void multiply(Tensor weights, VectorFormat weightFormat, Rows x, Rows y) {
        w = weights;
        format = weightFormat;
        run(Kind.FORWARD, x, x, y, x.count(), w.rows(), w.cols());
    }

    /// A product of the backward pass.
    void multiply(BackwardProduct product, Map<DType, VectorFormat> formats) {
        switch (product) {
            case OfInput(Tensor weights, Rows dy, Rows dx) ->
                multiplyTransposed(weights, Objects.requireNonNull(formats.get(weights.dtype())), dy, dx);
            case OfWeights(Rows dy, Rows x, DType _, Rows dw) -> addGradient(dy, x, dw);
        }
    }

    /// `dx = dy · w`.
    private void multiplyTransposed(Tensor weights, VectorFormat weightFormat, Rows dy, Rows dx) {
        w = weights;
        format = weightFormat;
        run(Kind.TRANSPOSED, dy, dy, dx, dy.count(), w.cols(), w.rows());
    }

    /// `dw += dyᵀ · x`.
    private void addGradient(Rows dy, Rows x, Rows dw) {
        run(Kind.GRADIENT, dy, x, dw, dy.cols(), x.cols(), dy.count());
    }

    private void run(Kind product, Rows leftRows, Rows rightRows, Rows out, int m, int n, int k) {
        kind = product;
        a = leftRows;
        b = rightRows;
        c = out;
        for (fromColumn = 0; fromColumn < n; fromColumn += WIDTH) {
            columns = Math.min(WIDTH, n - fromColumn);
            for (fromDepth = 0; fromDepth < k; fromDepth += DEPTH) {
                depth = Math.min(DEPTH, k - fromDepth);
                pool.run(kind == Kind.FORWARD ? Math.ceilDiv(columns, PANEL) : Math.ceilDiv(depth, PACKED), packTask);
                pool.run(Math.ceilDiv(m, HEIGHT), tileTask);
            }
        }
    }

    private void pack(int task, int worker) {
        float[] row = decoded[worker];
        if (kind == Kind.FORWARD) {
            for (int lane = 0; lane < PANEL; lane++) {
                int column = task * PANEL + lane;
                if (column < columns) {
                    long at = (long) (fromColumn + column) * w.rowBytes()
                            + w.dtype().bytes(fromDepth);
                    format.expand(w.data(), at, depth, row, 0);
                } else {
                    Arrays.fill(row, 0, depth, 0);
                }
                scatter(row, task * PANEL_STRIDE + lane);
            }
            return;
        }
        int padded = PanelProduct.padded(columns);
        Arrays.fill(row, columns, padded, 0);
        for (int i = task * PACKED; i < Math.min(depth, (task + 1) * PACKED); i++) {
            int from = fromDepth + i;
            if (kind == Kind.TRANSPOSED) {
                format.expand(w.data(), (long) from * w.rowBytes() + w.dtype().bytes(fromColumn), columns, row, 0);
            } else {
                copy(b.data(), b.offset(from) + (long) fromColumn * Float.BYTES, columns, row, 0);
            }
            for (int column = 0; column < padded; column += PANEL) {
                int at = column / PANEL * PANEL_STRIDE + i * PANEL;
                FloatVector.fromArray(FLOATS, row, column).intoArray(panels, at);
                FloatVector.fromArray(FLOATS, row, column + COUNT).intoArray(panels, at + COUNT);
            }
        }
    }

    /// Short copies: starting one by the library takes longer than the copy.
    private static void copy(MemorySegment from, long at, int count, float[] to, int toAt) {
        int whole = count / COUNT * COUNT;
        for (int i = 0; i < whole; i += COUNT) {
            FloatVector.fromMemorySegment(FLOATS, from, at + (long) i * Float.BYTES, NATIVE)
                    .intoArray(to, toAt + i);
        }
        for (int i = whole; i < count; i++) {
            to[toAt + i] = from.get(Rows.FLOAT, at + (long) i * Float.BYTES);
        }
    }

    /// Writes a row of `w` as a column of a panel.
    private void scatter(float[] row, int at) {
        float[] out = panels;
        for (int i = 0; i < depth; i++) {
            out[at + i * PANEL] = row[i];
        }
    }

    private void tile(int tile, int worker) {
        boolean gradient = kind == Kind.GRADIENT;
        int from = tile * HEIGHT;
        int rows = Math.min(HEIGHT, (gradient ? a.cols() : a.count()) - from);
        float[] in = left[worker];
        if (gradient) {
            for (int i = 0; i < depth; i++) {
                copy(a.data(), a.offset(fromDepth + i) + (long) from * Float.BYTES, rows, in, i * HEIGHT);
            }
        } else {
            for (int r = 0; r < rows; r++) {
                long at = a.offset(from + r) + (long) fromDepth * Float.BYTES;
                MemorySegment.copy(a.data(), Rows.FLOAT, at, in, r * STRIDE, depth);
            }
        }
        float[] out = result[worker];
        if (gradient || fromDepth > 0) {
            for (int r = 0; r < rows; r++) {
                MemorySegment.copy(c.data(), Rows.FLOAT, at(from + r), out, r * WIDTH, columns);
            }
        } else {
            Arrays.fill(out, 0, rows * WIDTH, 0);
        }
        PanelProduct.multiplyAdd(
                rows,
                columns,
                depth,
                in,
                0,
                gradient ? 1 : STRIDE,
                gradient ? HEIGHT : 1,
                panels,
                0,
                PANEL,
                PANEL_STRIDE,
                out,
                0,
                WIDTH);
        for (int r = 0; r < rows; r++) {
            MemorySegment.copy(out, r * WIDTH, c.data(), Rows.FLOAT, at(from + r), columns);
        }
    }

    /// Byte offset of the block's first column in a row of `c`.
    private long at(int row) {
        return c.offset(row) + (long) fromColumn * Float.BYTES;
    }
}
