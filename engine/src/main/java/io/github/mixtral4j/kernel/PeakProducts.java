package io.github.mixtral4j.kernel;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/// Multiplies the same tile again and again, to find how fast that is when nothing has to come from memory. Every
/// thread has its own results and shares weights and activations, which it keeps in its own cache.
final class PeakProducts implements AutoCloseable {
    /// Weight rows of a tile, as many as a task of [NativeMatmul].
    private static final int TILE_ROWS = 64;
    /// Columns: 128 rows of these as bfloat16 are 256 KiB, which leaves room in a second-level cache.
    private static final int COLS = 1024;
    /// [Precision#COARSE] for C.
    private static final int COARSE = 0;

    private final Arena arena = Arena.ofShared();
    private final WorkerPool pool;
    private final Tensor w;

    PeakProducts(WorkerPool pool, DType type) {
        this.pool = pool;
        float[] values = random(TILE_ROWS * COLS);
        MemorySegment data = arena.allocate(type.bytes(values.length), 64);
        BlockCodec.of(type).encode(values, 0, data, 0, values.length);
        w = new Tensor("tile", type, Shape.matrix(TILE_ROWS, COLS), data);
    }

    private static float[] random(int count) {
        SplittableRandom random = new SplittableRandom(1);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        return values;
    }

    private Rows activations(int rows) {
        Rows x = Rows.allocate(arena, rows, COLS);
        float[] values = random(rows * COLS);
        MemorySegment.copy(values, 0, x.data(), Rows.FLOAT, 0, values.length);
        return x;
    }

    private double operations(int rows) {
        return 2.0 * TILE_ROWS * COLS * rows;
    }

    /// The first of `bytes` bytes for each thread.
    private long forEachThread(long bytes) {
        return arena.allocate(pool.threads() * bytes, 64).address();
    }

    /// Operations per second of [NativeLevel#gemv].
    double nativeOneRow(NativeLevel level) {
        int type = w.dtype().ggmlId();
        long prepared = arena.allocate(level.gemvBytes(type, COLS), 64).address();
        level.gemvX(type, COLS, activations(1).data().address(), prepared);
        long weights = w.data().address();
        long resultBytes = TILE_ROWS * (long) Float.BYTES;
        long results = forEachThread(resultBytes);
        return Roofline.bestRate(
                pool,
                operations(1),
                (index, worker) -> level.gemv(
                        type, COLS, weights, w.rowBytes(), TILE_ROWS, prepared, results + index * resultBytes));
    }

    /// Operations per second of [NativeLevel#gemm], multiplying as experts do.
    double nativeRows(NativeLevel level, int rows) {
        int type = w.dtype().ggmlId();
        long prepared =
                arena.allocate(level.gemmBytes(type, COARSE, COLS, rows), 64).address();
        level.gemmX(type, COARSE, COLS, activations(rows).data().address(), COLS, rows, 0, rows, prepared);
        long weights = w.data().address();
        long resultBytes = (long) rows * TILE_ROWS * Float.BYTES;
        long results = forEachThread(resultBytes);
        long temporaryBytes = (level.gemmTmp(type, COARSE, COLS, rows) + 63) / 64 * 64;
        long temporary = forEachThread(temporaryBytes);
        return Roofline.bestRate(
                pool,
                operations(rows),
                (index, worker) -> level.gemm(
                        type,
                        COARSE,
                        COLS,
                        weights,
                        w.rowBytes(),
                        TILE_ROWS,
                        prepared,
                        rows,
                        results + index * resultBytes,
                        TILE_ROWS,
                        temporary + index * temporaryBytes));
    }

    /// Operations per second of [VectorFormat#dots].
    double vectorOneRow() {
        VectorFormat format = VectorFormat.of(w.dtype());
        Activations[] x = new Activations[pool.threads()];
        for (int i = 0; i < x.length; i++) {
            x[i] = new Activations();
            format.prepare(activations(1), 0, x[i]);
        }
        float[][] scratch = new float[pool.threads()][VectorFormat.SCRATCH_FLOATS];
        int calls = TILE_ROWS / VectorFormat.STREAMS;
        return Roofline.bestRate(pool, operations(1), (index, worker) -> {
            for (int i = 0; i < calls; i++) {
                format.dots(
                        w.data(),
                        i * w.rowBytes(),
                        calls * w.rowBytes(),
                        VectorFormat.STREAMS,
                        COLS,
                        x[index],
                        scratch[index]);
            }
        });
    }

    /// Operations per second of the inner loop of [VectorGemm], everything in the first-level cache.
    double vectorFloats() {
        int depth = 128;
        int calls = 16;
        float[] weights = random(VectorGemm.MICRO_ROWS * VectorGemm.DEPTH);
        MemorySegment panel =
                activations(Math.ceilDiv(VectorGemm.PANEL * depth, COLS)).data();
        long step = (long) VectorGemm.PANEL * Float.BYTES;
        MemorySegment results = arena.allocate(pool.threads() * VectorGemm.MICRO_ROWS * step, 64);
        double operations = 2.0 * VectorGemm.MICRO_ROWS * VectorGemm.PANEL * depth * calls;
        return Roofline.bestRate(pool, operations, (index, worker) -> {
            for (int i = 0; i < calls; i++) {
                VectorGemm.micro6x2(weights, 0, panel, 0, depth, results, index * VectorGemm.MICRO_ROWS * step, step);
            }
        });
    }

    /// Operations per second of a product of one row.
    double scalar(Kernels kernels) {
        Rows x = activations(1);
        Rows y = Rows.allocate(arena, 1, TILE_ROWS);
        try (WorkerPool alone = new WorkerPool(1)) {
            return Roofline.bestRate(alone, operations(1), (index, worker) -> kernels.matmul(w, x, y));
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
