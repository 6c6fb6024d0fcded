package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.Arrays;

/// `y = x · wᵀ` for a few rows, bound by reading the weights: each tile of weight rows is read from memory once and
/// multiplied with every activation row while it is in the second-level cache.
@SuppressWarnings("NullAway.Init") // the arguments of the multiplication in progress
final class VectorGemv implements WorkerPool.Task {
    /// Rows of activations up to which this is faster than expanding the weights for [VectorGemm].
    static final int MAX_ROWS = 8;

    /// Bytes of weights that a task reads: several tasks per thread even for small matrices, and less than half of
    /// a second-level cache.
    private static final int TILE_BYTES = 256 << 10;

    private final WorkerPool pool;
    private final Activations[] activations = new Activations[MAX_ROWS];
    private final float[][] scratch;
    private Tensor w;
    private Rows x;
    private Rows y;
    private VectorFormat format;
    private int tileRows;

    VectorGemv(WorkerPool pool) {
        this.pool = pool;
        Arrays.setAll(activations, row -> new Activations());
        scratch = new float[pool.threads()][VectorFormat.SCRATCH_FLOATS];
    }

    void multiply(Tensor weights, VectorFormat weightFormat, Rows in, Rows out) {
        w = weights;
        x = in;
        y = out;
        format = weightFormat;
        for (int row = 0; row < x.count(); row++) {
            format.prepare(x, row, activations[row]);
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
        // Streams lie far apart: two that share a page of memory confuse the prefetcher.
        int share = Math.ceilDiv(to - from, VectorFormat.STREAMS);
        for (int row = 0; row < x.count(); row++) {
            for (int n = 0; n < share; n++) {
                multiply(from + n, share, Math.ceilDiv(to - from - n, share), row, scratch[worker]);
            }
        }
    }

    /// Multiplies `rows` rows of weights, `step` rows apart, with one row of activations.
    private void multiply(int from, int step, int rows, int row, float[] lanes) {
        long rowBytes = w.rowBytes();
        Arrays.fill(lanes, 0, VectorFormat.WORK, 0);
        format.dots(w.data(), from * rowBytes, step * rowBytes, rows, w.cols(), activations[row], lanes);
        for (int r = 0; r < rows; r++) {
            y.set(row, from + r * step, Lanes.sum(lanes, r * Lanes.COUNT));
        }
    }
}
