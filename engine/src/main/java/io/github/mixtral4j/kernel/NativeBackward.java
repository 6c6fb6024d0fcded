package io.github.mixtral4j.kernel;

import io.github.mixtral4j.kernel.BackwardProduct.OfInput;
import io.github.mixtral4j.kernel.BackwardProduct.OfWeights;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// The backward products of training in bfloat16, on the functions [NativeGemmKn] of a level: all tasks of all products
/// in one parallel loop. Products of float32 are left to [FloatProducts].
///
/// Both kinds are `y[m, n] = x[m, k] · w[k, n]`. Backwards to its input, `x` is `dy`. Backwards to the weights, the
/// rows of `x` are the columns of `dy`, and what stands in the place of the weights is the input.
@SuppressWarnings("NullAway.Init") // the matrix that is decoded
final class NativeBackward implements AutoCloseable {
    /// Columns of weights of a task.
    private static final int COLUMNS = 64;
    /// Rows of activations of a task: their sums fill a part of a second-level cache.
    private static final int ROWS = 512;
    /// Rows of activations that are prepared by one task.
    private static final int GROUP = 64;
    /// Bytes of decoded weights at a time.
    private static final long PIECE_BYTES = 16 << 20;
    /// Fewest columns of a piece; whole blocks of every weight format.
    private static final int PIECE_COLUMNS = 256;

    private final NativeGemmKn level;
    private final WorkerPool pool;
    private final Map<DType, VectorFormat> formats;
    private final FloatProducts floatProducts;
    private final Scratch prepared = new Scratch();
    private final Scratch decoded = new Scratch();
    private final Scratch[] temporary;
    private final float[][] decodedRow;
    private final List<Job> jobs = new ArrayList<>();
    private long preparedBytes;
    private int groups;
    private int tiles;
    private long temporaryBytes;
    /// The piece of a quantized matrix that is decoded.
    private Tensor matrix;
    private Rows piece;
    private int from;

    /// One product. Addresses are of first elements; steps are in floats, that of the weights in bytes.
    ///
    /// @param preparedAt offset of the prepared activations
    /// @param firstGroup first task of preparing
    /// @param firstTile first task of multiplying
    private record Job(
            int type,
            long k,
            long w,
            long wStride,
            int columns,
            long x,
            long xRow,
            long xDepth,
            int rows,
            long y,
            long yStride,
            int add,
            long preparedAt,
            int firstGroup,
            int firstTile) {
        int groups() {
            return Math.ceilDiv(rows, GROUP);
        }

        int columnTiles() {
            return Math.ceilDiv(columns, COLUMNS);
        }

        int tiles() {
            return columnTiles() * Math.ceilDiv(rows, ROWS);
        }
    }

    NativeBackward(NativeGemmKn level, WorkerPool pool, Map<DType, VectorFormat> formats, FloatProducts floatProducts) {
        this.level = level;
        this.pool = pool;
        this.formats = formats;
        this.floatProducts = floatProducts;
        temporary = new Scratch[pool.threads()];
        Arrays.setAll(temporary, worker -> new Scratch());
        decodedRow = new float[pool.threads()][];
    }

    void multiply(List<BackwardProduct> products) {
        clear();
        for (BackwardProduct product : products) {
            switch (product) {
                case OfInput(Tensor w, Rows dy, Rows dx) -> {
                    if (w.dtype() == DType.F32) {
                        floatProducts.multiply(product, formats);
                    } else if (w.dtype() == DType.BF16) {
                        ofInput(w, 0, dy, dx);
                    } else {
                        decodeAndMultiply(w, dy, dx);
                    }
                }
                case OfWeights(Rows dy, Rows x, DType precision, Rows dw) -> {
                    if (precision == DType.F32) {
                        floatProducts.multiply(product, formats);
                    } else {
                        ofWeights(dy, x, dw);
                    }
                }
            }
        }
        run();
        // Jobs have addresses only; nothing of the products may be freed before the last of them is done.
        Reference.reachabilityFence(products);
    }

    private void clear() {
        jobs.clear();
        preparedBytes = 0;
        groups = 0;
        tiles = 0;
        temporaryBytes = 0;
    }

    /// @param column of `dx` that is the first of `w`
    private void ofInput(Tensor w, int column, Rows dy, Rows dx) {
        NativeProduct.check(w.name(), w.data());
        add(new Job(
                w.dtype().ggmlId(),
                w.rows(),
                w.data().address(),
                w.rowBytes(),
                w.cols(),
                address(dy),
                dy.cols(),
                1,
                dy.count(),
                address(dx) + (long) column * Float.BYTES,
                dx.cols(),
                0,
                preparedBytes,
                groups,
                tiles));
    }

    private void ofWeights(Rows dy, Rows x, Rows dw) {
        add(new Job(
                DType.F32.ggmlId(),
                x.count(),
                address(x),
                x.rowBytes(),
                x.cols(),
                address(dy),
                1,
                dy.cols(),
                dy.cols(),
                address(dw),
                dw.cols(),
                1,
                preparedBytes,
                groups,
                tiles));
    }

    private static long address(Rows rows) {
        NativeProduct.check("rows", rows.data());
        return rows.data().address() + rows.offset(0);
    }

    /// Adds the next product, whose memory and tasks come after those of the others.
    private void add(Job job) {
        jobs.add(job);
        preparedBytes += (level.bytes(job.k(), job.rows()) + 63) & -64;
        groups += job.groups();
        tiles += job.tiles();
        temporaryBytes = Math.max(temporaryBytes, level.tmp(Math.min(job.rows(), ROWS)));
    }

    /// Makes the products that have been added, and forgets them.
    private void run() {
        long start = prepared.bytes(preparedBytes).address();
        pool.run(groups, (task, worker) -> {
            int i = jobs.size() - 1;
            while (jobs.get(i).firstGroup() > task) {
                i--;
            }
            Job job = jobs.get(i);
            int first = (task - job.firstGroup()) * GROUP;
            int end = Math.min(first + GROUP, job.rows());
            level.prepare(job.k(), job.x(), job.xRow(), job.xDepth(), job.rows(), first, end, start + job.preparedAt());
        });
        pool.run(tiles, (task, worker) -> {
            int i = jobs.size() - 1;
            while (jobs.get(i).firstTile() > task) {
                i--;
            }
            multiply(jobs.get(i), task - jobs.get(i).firstTile(), start, worker);
        });
        clear();
    }

    private void multiply(Job job, int tile, long start, int worker) {
        int column = tile % job.columnTiles() * COLUMNS;
        int first = tile / job.columnTiles() * ROWS;
        long bytes = job.type() == DType.F32.ggmlId() ? Float.BYTES : Short.BYTES;
        level.gemm(
                job.type(),
                job.k(),
                job.w() + column * bytes,
                job.wStride(),
                Math.min(COLUMNS, job.columns() - column),
                start + job.preparedAt(),
                job.rows(),
                first,
                Math.min(first + ROWS, job.rows()),
                job.y() + (long) column * Float.BYTES,
                job.yStride(),
                job.add(),
                temporary[worker].bytes(temporaryBytes).address());
    }

    /// A quantized matrix never exists whole. Products that have been added before are made on the way.
    private void decodeAndMultiply(Tensor w, Rows dy, Rows dx) {
        matrix = w;
        long fit = PIECE_BYTES / ((long) Float.BYTES * w.rows()) / PIECE_COLUMNS * PIECE_COLUMNS;
        int width = (int) Math.clamp(fit, PIECE_COLUMNS, Math.max(PIECE_COLUMNS, w.cols()));
        for (from = 0; from < w.cols(); from += width) {
            int columns = Math.min(width, w.cols() - from);
            piece = Rows.of(decoded.floats((long) w.rows() * columns), w.rows(), columns);
            pool.run(w.rows(), this::decodeRow);
            Shape shape = Shape.matrix(w.rows(), columns);
            ofInput(new Tensor(w.name(), DType.F32, shape, piece.data()), from, dy, dx);
            run();
        }
    }

    private void decodeRow(int index, int worker) {
        int columns = piece.cols();
        if (decodedRow[worker] == null || decodedRow[worker].length < columns) {
            decodedRow[worker] = new float[columns];
        }
        VectorFormat format = Objects.requireNonNull(formats.get(matrix.dtype()));
        long at = index * matrix.rowBytes() + matrix.dtype().bytes(from);
        format.expand(matrix.data(), at, columns, decodedRow[worker], 0);
        MemorySegment.copy(decodedRow[worker], 0, piece.data(), Rows.FLOAT, piece.offset(index), columns);
    }

    @Override
    public void close() {
        prepared.close();
        decoded.close();
        for (Scratch scratch : temporary) {
            scratch.close();
        }
    }
}
