package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// `y = x · wᵀ` for a few rows, bound by reading the weights: each tile of weight rows is read from memory once and
/// multiplied with every activation row while it is in the second-level cache.
@SuppressWarnings("NullAway.Init") // the arguments of the multiplication in progress
final class VectorGemv implements WorkerPool.Task, AutoCloseable {
    /// Rows of activations up to which this is faster than expanding the weights for [VectorGemm].
    static final int MAX_ROWS = 4;

    /// Bytes of weights that a task reads: several tasks per thread even for small matrices, and less than half of
    /// a second-level cache.
    private static final int TILE_BYTES = 256 << 10;

    private static final int LINE = 64;

    private final WorkerPool pool;
    private final Scratch prepared = new Scratch();
    private final float[][] scratch;
    private Tensor w;
    private Rows x;
    private Rows y;
    private VectorFormat format;
    private MemorySegment activations = MemorySegment.NULL;
    private int tileRows;

    VectorGemv(WorkerPool pool) {
        this.pool = pool;
        scratch = new float[pool.threads()][VectorFormat.SCRATCH_FLOATS];
    }

    void multiply(Tensor weights, VectorFormat weightFormat, Rows in, Rows out) {
        w = weights;
        x = in;
        y = out;
        format = weightFormat;
        long rowFloats = format.preparedFloats(w.cols());
        activations = prepared.floats(rowFloats * x.count());
        for (int row = 0; row < x.count(); row++) {
            format.prepare(x, row, activations, row * rowFloats * Float.BYTES);
        }
        tileRows = (int) Math.clamp(TILE_BYTES / w.rowBytes(), 1, 64);
        pool.run(Math.ceilDiv(w.rows(), tileRows), this);
    }

    @Override
    public void run(int tile, int worker) {
        Tensor weights = w;
        int from = tile * tileRows;
        int to = Math.min(from + tileRows, weights.rows());
        long rowBytes = weights.rowBytes();
        int k = weights.cols();
        long rowFloats = format.preparedFloats(k);
        touch(weights.data(), from * rowBytes, to * rowBytes);
        for (int row = 0; row < x.count(); row++) {
            for (int n = from; n < to; n++) {
                float dot = format.dot(
                        weights.data(), n * rowBytes, k, activations, row * rowFloats * Float.BYTES, scratch[worker]);
                y.set(row, n, dot);
            }
        }
    }

    /// Reads a byte of every cache line. The multiplication keeps too few reads in flight to use the memory's speed:
    /// its instructions between two lines fill the processor's window, and activations that outgrow the first-level
    /// cache spoil the hardware's prefetching. This loop is nothing but reads.
    private static void touch(MemorySegment data, long from, long to) {
        int sum = 0;
        for (long o = from; o < to; o += LINE) {
            sum += data.get(ValueLayout.JAVA_BYTE, o);
        }
        touched = sum;
    }

    /// Keeps the reads alive.
    @SuppressWarnings("unused")
    private static int touched;

    @Override
    public void close() {
        prepared.close();
    }
}
