package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// `y = x · wᵀ` by the functions of a [NativeLevel]. This class cuts the work into tasks and owns the memory for
/// prepared activations; what a task does is C.
///
/// A few rows read each tile of weights from memory once and multiply it with every row while it is in the second-level
/// cache. For more rows there are other functions, which are bound by arithmetic.
@SuppressWarnings("NullAway.Init") // the arguments of the multiplication in progress
final class NativeMatmul implements AutoCloseable {
    /// Rows of activations that are multiplied one by one: from three on, unpacking the weights once for all is faster.
    static final int FEW_ROWS = 2;
    /// A matrix with at most so many rows, such as the router, is multiplied row by row as well: its time does not
    /// count, and float weights then meet floats, where products of many rows may round both to bfloat16. An expert
    /// choice that is nearly a tie stays what it is.
    private static final int SMALL_MATRIX = 64;

    /// Bytes of weights of a task when there are few rows: several tasks per thread even for small matrices, and less
    /// than half of a second-level cache.
    private static final int TILE_BYTES = 256 << 10;
    /// Weight rows of a task when there are many rows.
    private static final int TILE_ROWS = 64;
    /// Rows of activations that are prepared by one task.
    private static final int GROUP = 16;

    private final NativeLevel level;
    private final WorkerPool pool;
    private final Scratch prepared = new Scratch();
    private final Scratch[] temporary;
    private final WorkerPool.Task fewTask = this::multiplyFew;
    private final WorkerPool.Task prepareTask = this::prepareGroup;
    private final WorkerPool.Task manyTask = this::multiplyMany;
    private Tensor w;
    private Rows x;
    private Rows y;
    private int type;
    private int tileRows;
    private long weights;
    private long activations;
    private long preparedBytes;
    private long temporaryBytes;

    NativeMatmul(NativeLevel level, WorkerPool pool) {
        this.level = level;
        this.pool = pool;
        temporary = new Scratch[pool.threads()];
        Arrays.setAll(temporary, worker -> new Scratch());
    }

    void multiply(Tensor matrix, Rows in, Rows out) {
        check(matrix.name(), matrix.data());
        check("x", in.data());
        check("y", out.data());
        w = matrix;
        x = in;
        y = out;
        type = w.dtype().ggmlId();
        weights = w.data().address();
        if (x.count() <= FEW_ROWS || w.rows() <= SMALL_MATRIX) {
            few();
        } else {
            many();
        }
    }

    /// C follows addresses without asking: better an exception than a crash.
    private static void check(String name, MemorySegment data) {
        if (!data.isNative()) {
            throw new IllegalArgumentException(name + ": native kernels need memory outside the Java heap");
        }
        if (!data.scope().isAlive()) {
            throw new IllegalStateException(name + ": its memory has been closed");
        }
    }

    private void few() {
        preparedBytes = level.gemvBytes(type, w.cols());
        activations = prepared.bytes(preparedBytes * x.count()).address();
        long from = x.data().address();
        for (int row = 0; row < x.count(); row++) {
            level.gemvX(type, w.cols(), from + x.offset(row), activations + row * preparedBytes);
        }
        tileRows = (int) Math.clamp(TILE_BYTES / w.rowBytes(), 1, TILE_ROWS);
        pool.run(Math.ceilDiv(w.rows(), tileRows), fewTask);
    }

    private void multiplyFew(int tile, int worker) {
        int from = tile * tileRows;
        int rows = Math.min(tileRows, w.rows() - from);
        long stride = w.rowBytes();
        long to = y.data().address() + (long) from * Float.BYTES;
        for (int row = 0; row < x.count(); row++) {
            level.gemv(
                    type,
                    w.cols(),
                    weights + from * stride,
                    stride,
                    rows,
                    activations + row * preparedBytes,
                    to + y.offset(row));
        }
    }

    private void many() {
        int rows = x.count();
        activations = prepared.bytes(level.gemmBytes(type, w.cols(), rows)).address();
        temporaryBytes = level.gemmTmp(type, w.cols(), rows);
        pool.run(Math.ceilDiv(rows, GROUP), prepareTask);
        pool.run(Math.ceilDiv(w.rows(), TILE_ROWS), manyTask);
    }

    private void prepareGroup(int group, int worker) {
        int from = group * GROUP;
        int to = Math.min(from + GROUP, x.count());
        level.gemmX(type, w.cols(), x.data().address(), x.cols(), x.count(), from, to, activations);
    }

    private void multiplyMany(int tile, int worker) {
        int from = tile * TILE_ROWS;
        int rows = Math.min(TILE_ROWS, w.rows() - from);
        long stride = w.rowBytes();
        level.gemm(
                type,
                w.cols(),
                weights + from * stride,
                stride,
                rows,
                activations,
                x.count(),
                y.data().address() + (long) from * Float.BYTES,
                y.cols(),
                temporary[worker].bytes(temporaryBytes).address());
    }

    @Override
    public void close() {
        prepared.close();
        for (Scratch scratch : temporary) {
            scratch.close();
        }
    }
}
