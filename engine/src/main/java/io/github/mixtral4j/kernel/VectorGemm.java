package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// `y = x · wᵀ` for many rows, bound by arithmetic. Lanes run along activation rows, so that no sum crosses them.
///
/// Activations are packed into panels of two registers: `[panel][k][2 * lanes]`. A task takes [#TILE] weight rows; per
/// [#DEPTH] columns it expands them to floats once for all panels, and the micro-kernel multiplies 6 weight rows with
/// one panel: 12 accumulators, two panel registers and one broadcast weight fit 16 registers. A last panel of at most
/// one register is multiplied with 12 weight rows at a time instead.
///
/// Source: Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication".
@SuppressWarnings("NullAway.Init") // the arguments of the multiplication in progress
final class VectorGemm implements AutoCloseable {
    /// Weight rows of a task, a multiple of 12.
    private static final int TILE = 48;
    /// Columns that are expanded at a time; whole blocks of every format. Wide rather than high: the bytes that a tile
    /// reads of each row are contiguous, and no prefetcher learns a row of less than five cache lines. Tiles of
    /// 96 × 256 cost the product 13 %.
    static final int DEPTH = 1024;
    /// Columns that are packed at a time: the cache lines they are written to stay in the first-level cache until every
    /// lane has been.
    private static final int PACKED = 64;

    /// Rows of activations of [#micro6x2].
    static final int PANEL = 2 * COUNT;
    /// Weight rows of [#micro6x2].
    static final int MICRO_ROWS = 6;

    private final WorkerPool pool;
    private final Scratch packed = new Scratch();
    private final Scratch[] results;
    private final float[][] expanded;
    private final WorkerPool.Task packTask = this::pack;
    private final WorkerPool.Task tileTask = this::tile;
    private Tensor w;
    private Rows x;
    private Rows y;
    private VectorFormat format;
    private MemorySegment panels = MemorySegment.NULL;
    /// Rows of `x`, rounded up to whole registers.
    private int width;

    VectorGemm(WorkerPool pool) {
        this.pool = pool;
        results = new Scratch[pool.threads()];
        expanded = new float[pool.threads()][TILE * DEPTH];
        for (int i = 0; i < results.length; i++) {
            results[i] = new Scratch();
        }
    }

    void multiply(Tensor weights, VectorFormat weightFormat, Rows in, Rows out) {
        w = weights;
        x = in;
        y = out;
        format = weightFormat;
        width = Math.ceilDiv(x.count(), COUNT) * COUNT;
        panels = packed.floats((long) width * w.cols());
        pool.run(width / COUNT, packTask);
        pool.run(Math.ceilDiv(w.rows(), TILE), tileTask);
    }

    /// Packs one register's width of activation rows.
    private void pack(int register, int worker) {
        int first = register * COUNT;
        int panel = first / PANEL;
        int panelWidth = Math.min(PANEL, width - panel * PANEL);
        int k = x.cols();
        for (int from = 0; from < k; from += PACKED) {
            int n = Math.min(PACKED, k - from);
            for (int lane = 0; lane < COUNT; lane++) {
                int row = first + lane;
                long to = ((long) panel * PANEL * k + (long) from * panelWidth + row - panel * PANEL) * Float.BYTES;
                pack(row, from, n, to, (long) panelWidth * Float.BYTES);
            }
        }
    }

    /// Packs `n` columns of a row, `step` bytes apart; zeros for rows that only fill a register.
    private void pack(int row, int from, int n, long to, long step) {
        MemorySegment data = x.data();
        MemorySegment out = panels;
        if (row < x.count()) {
            long in = x.offset(row) + (long) from * Float.BYTES;
            for (int i = 0; i < n; i++) {
                out.set(Rows.FLOAT, to + i * step, data.get(Rows.FLOAT, in + (long) i * Float.BYTES));
            }
        } else {
            for (int i = 0; i < n; i++) {
                out.set(Rows.FLOAT, to + i * step, 0);
            }
        }
    }

    private void tile(int tile, int worker) {
        int k = w.cols();
        int from = tile * TILE;
        int rows = Math.min(TILE, w.rows() - from);
        float[] weights = expanded[worker];
        MemorySegment result = results[worker].floats((long) TILE * width);
        for (long i = 0; i < (long) TILE * width; i++) {
            result.set(Rows.FLOAT, i * Float.BYTES, 0);
        }
        for (int depth = 0; depth < k; depth += DEPTH) {
            int n = Math.min(DEPTH, k - depth);
            for (int r = 0; r < rows; r++) {
                format.expand(w.data(), (from + r) * w.rowBytes() + w.dtype().bytes(depth), n, weights, r * DEPTH);
            }
            for (int column = 0; column < width; column += PANEL) {
                multiplyPanel(weights, rows, column, depth, n, result);
            }
        }
        store(result, from, rows);
    }

    private void multiplyPanel(float[] weights, int rows, int column, int depth, int n, MemorySegment result) {
        int panelWidth = Math.min(PANEL, width - column);
        long panel = ((long) column * w.cols() + (long) depth * panelWidth) * Float.BYTES;
        long step = (long) width * Float.BYTES;
        // The last rows of a tile may be left over from another tile: their sums are computed and not stored.
        if (panelWidth == PANEL) {
            for (int r = 0; r < rows; r += MICRO_ROWS) {
                micro6x2(weights, r * DEPTH, panels, panel, n, result, r * step + (long) column * Float.BYTES, step);
            }
        } else {
            for (int r = 0; r < rows; r += 12) {
                micro12x1(weights, r * DEPTH, panels, panel, n, result, r * step + (long) column * Float.BYTES, step);
            }
        }
    }

    private void store(MemorySegment result, int from, int rows) {
        for (int row = 0; row < x.count(); row++) {
            long to = y.offset(row) + (long) from * Float.BYTES;
            MemorySegment out = y.data();
            for (int r = 0; r < rows; r++) {
                out.set(
                        Rows.FLOAT,
                        to + (long) r * Float.BYTES,
                        result.get(Rows.FLOAT, ((long) r * width + row) * Float.BYTES));
            }
        }
    }

    /// 6 weight rows times a panel of 2 registers, added to `result`.
    static void micro6x2(
            float[] w, int at, MemorySegment x, long xOffset, int n, MemorySegment result, long offset, long step) {
        long lane = (long) COUNT * Float.BYTES;
        FloatVector c0a = FloatVector.fromMemorySegment(FLOATS, result, offset, NATIVE);
        FloatVector c0b = FloatVector.fromMemorySegment(FLOATS, result, offset + lane, NATIVE);
        FloatVector c1a = FloatVector.fromMemorySegment(FLOATS, result, offset + step, NATIVE);
        FloatVector c1b = FloatVector.fromMemorySegment(FLOATS, result, offset + step + lane, NATIVE);
        FloatVector c2a = FloatVector.fromMemorySegment(FLOATS, result, offset + 2 * step, NATIVE);
        FloatVector c2b = FloatVector.fromMemorySegment(FLOATS, result, offset + 2 * step + lane, NATIVE);
        FloatVector c3a = FloatVector.fromMemorySegment(FLOATS, result, offset + 3 * step, NATIVE);
        FloatVector c3b = FloatVector.fromMemorySegment(FLOATS, result, offset + 3 * step + lane, NATIVE);
        FloatVector c4a = FloatVector.fromMemorySegment(FLOATS, result, offset + 4 * step, NATIVE);
        FloatVector c4b = FloatVector.fromMemorySegment(FLOATS, result, offset + 4 * step + lane, NATIVE);
        FloatVector c5a = FloatVector.fromMemorySegment(FLOATS, result, offset + 5 * step, NATIVE);
        FloatVector c5b = FloatVector.fromMemorySegment(FLOATS, result, offset + 5 * step + lane, NATIVE);
        for (int k = 0; k < n; k++) {
            long p = xOffset + (long) k * PANEL * Float.BYTES;
            FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, x, p, NATIVE);
            FloatVector x1 = FloatVector.fromMemorySegment(FLOATS, x, p + lane, NATIVE);
            FloatVector b = FloatVector.broadcast(FLOATS, w[at + k]);
            c0a = x0.fma(b, c0a);
            c0b = x1.fma(b, c0b);
            b = FloatVector.broadcast(FLOATS, w[at + DEPTH + k]);
            c1a = x0.fma(b, c1a);
            c1b = x1.fma(b, c1b);
            b = FloatVector.broadcast(FLOATS, w[at + 2 * DEPTH + k]);
            c2a = x0.fma(b, c2a);
            c2b = x1.fma(b, c2b);
            b = FloatVector.broadcast(FLOATS, w[at + 3 * DEPTH + k]);
            c3a = x0.fma(b, c3a);
            c3b = x1.fma(b, c3b);
            b = FloatVector.broadcast(FLOATS, w[at + 4 * DEPTH + k]);
            c4a = x0.fma(b, c4a);
            c4b = x1.fma(b, c4b);
            b = FloatVector.broadcast(FLOATS, w[at + 5 * DEPTH + k]);
            c5a = x0.fma(b, c5a);
            c5b = x1.fma(b, c5b);
        }
        c0a.intoMemorySegment(result, offset, NATIVE);
        c0b.intoMemorySegment(result, offset + lane, NATIVE);
        c1a.intoMemorySegment(result, offset + step, NATIVE);
        c1b.intoMemorySegment(result, offset + step + lane, NATIVE);
        c2a.intoMemorySegment(result, offset + 2 * step, NATIVE);
        c2b.intoMemorySegment(result, offset + 2 * step + lane, NATIVE);
        c3a.intoMemorySegment(result, offset + 3 * step, NATIVE);
        c3b.intoMemorySegment(result, offset + 3 * step + lane, NATIVE);
        c4a.intoMemorySegment(result, offset + 4 * step, NATIVE);
        c4b.intoMemorySegment(result, offset + 4 * step + lane, NATIVE);
        c5a.intoMemorySegment(result, offset + 5 * step, NATIVE);
        c5b.intoMemorySegment(result, offset + 5 * step + lane, NATIVE);
    }

    /// 12 weight rows times a panel of 1 register, added to `result`.
    private static void micro12x1(
            float[] w, int at, MemorySegment x, long xOffset, int n, MemorySegment result, long offset, long step) {
        FloatVector c0 = FloatVector.fromMemorySegment(FLOATS, result, offset, NATIVE);
        FloatVector c1 = FloatVector.fromMemorySegment(FLOATS, result, offset + step, NATIVE);
        FloatVector c2 = FloatVector.fromMemorySegment(FLOATS, result, offset + 2 * step, NATIVE);
        FloatVector c3 = FloatVector.fromMemorySegment(FLOATS, result, offset + 3 * step, NATIVE);
        FloatVector c4 = FloatVector.fromMemorySegment(FLOATS, result, offset + 4 * step, NATIVE);
        FloatVector c5 = FloatVector.fromMemorySegment(FLOATS, result, offset + 5 * step, NATIVE);
        FloatVector c6 = FloatVector.fromMemorySegment(FLOATS, result, offset + 6 * step, NATIVE);
        FloatVector c7 = FloatVector.fromMemorySegment(FLOATS, result, offset + 7 * step, NATIVE);
        FloatVector c8 = FloatVector.fromMemorySegment(FLOATS, result, offset + 8 * step, NATIVE);
        FloatVector c9 = FloatVector.fromMemorySegment(FLOATS, result, offset + 9 * step, NATIVE);
        FloatVector c10 = FloatVector.fromMemorySegment(FLOATS, result, offset + 10 * step, NATIVE);
        FloatVector c11 = FloatVector.fromMemorySegment(FLOATS, result, offset + 11 * step, NATIVE);
        for (int k = 0; k < n; k++) {
            long p = xOffset + (long) k * COUNT * Float.BYTES;
            FloatVector x0 = FloatVector.fromMemorySegment(FLOATS, x, p, NATIVE);
            FloatVector b = FloatVector.broadcast(FLOATS, w[at + k]);
            c0 = x0.fma(b, c0);
            b = FloatVector.broadcast(FLOATS, w[at + DEPTH + k]);
            c1 = x0.fma(b, c1);
            b = FloatVector.broadcast(FLOATS, w[at + 2 * DEPTH + k]);
            c2 = x0.fma(b, c2);
            b = FloatVector.broadcast(FLOATS, w[at + 3 * DEPTH + k]);
            c3 = x0.fma(b, c3);
            b = FloatVector.broadcast(FLOATS, w[at + 4 * DEPTH + k]);
            c4 = x0.fma(b, c4);
            b = FloatVector.broadcast(FLOATS, w[at + 5 * DEPTH + k]);
            c5 = x0.fma(b, c5);
            b = FloatVector.broadcast(FLOATS, w[at + 6 * DEPTH + k]);
            c6 = x0.fma(b, c6);
            b = FloatVector.broadcast(FLOATS, w[at + 7 * DEPTH + k]);
            c7 = x0.fma(b, c7);
            b = FloatVector.broadcast(FLOATS, w[at + 8 * DEPTH + k]);
            c8 = x0.fma(b, c8);
            b = FloatVector.broadcast(FLOATS, w[at + 9 * DEPTH + k]);
            c9 = x0.fma(b, c9);
            b = FloatVector.broadcast(FLOATS, w[at + 10 * DEPTH + k]);
            c10 = x0.fma(b, c10);
            b = FloatVector.broadcast(FLOATS, w[at + 11 * DEPTH + k]);
            c11 = x0.fma(b, c11);
        }
        c0.intoMemorySegment(result, offset, NATIVE);
        c1.intoMemorySegment(result, offset + step, NATIVE);
        c2.intoMemorySegment(result, offset + 2 * step, NATIVE);
        c3.intoMemorySegment(result, offset + 3 * step, NATIVE);
        c4.intoMemorySegment(result, offset + 4 * step, NATIVE);
        c5.intoMemorySegment(result, offset + 5 * step, NATIVE);
        c6.intoMemorySegment(result, offset + 6 * step, NATIVE);
        c7.intoMemorySegment(result, offset + 7 * step, NATIVE);
        c8.intoMemorySegment(result, offset + 8 * step, NATIVE);
        c9.intoMemorySegment(result, offset + 9 * step, NATIVE);
        c10.intoMemorySegment(result, offset + 10 * step, NATIVE);
        c11.intoMemorySegment(result, offset + 11 * step, NATIVE);
    }

    @Override
    public void close() {
        packed.close();
        for (Scratch result : results) {
            result.close();
        }
    }
}
