package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// One product of a [NativeMatmul], cut into tasks. Reused from step to step.
///
/// One row has functions of its own, which need no scratch memory. How several rows are best multiplied, few or many,
/// each instruction-set level knows for itself.
@SuppressWarnings("NullAway.Init") // the arguments of the multiplication in progress
final class NativeProduct {
    /// Rows of sequences that decode together: activations of 8 bits do for them, as for a sequence that decodes alone,
    /// whose rows are rounded because more would not be faster. 16 bits take twice the products.
    static final int ROUNDED_ROWS = 16;
    /// A matrix with at most so many rows, such as the router, is multiplied row by row as well: its time does not
    /// count, and float weights then meet floats, where products of many rows may round both to bfloat16. An expert
    /// choice that is nearly a tie stays what it is.
    private static final int SMALL_MATRIX = 64;

    /// Bytes of weights of a task when rows are multiplied one by one: several tasks per thread even for small
    /// matrices, and less than half of a second-level cache.
    private static final int TILE_BYTES = 256 << 10;
    /// Weight rows of a task when rows are multiplied together.
    private static final int TILE_ROWS = 64;
    /// Rows of activations that are prepared by one task.
    private static final int GROUP = 16;

    private final NativeLevel level;
    private Tensor w;
    private Rows x;
    private Rows y;
    private int type;
    private boolean oneByOne;
    private int precise;
    private int tileRows;
    private long weights;
    private long prepared;
    private long rowBytes;

    NativeProduct(NativeLevel level) {
        this.level = level;
    }

    void set(Tensor matrix, Rows in, Rows out, Precision precision) {
        check(matrix.name(), matrix.data());
        check("x", in.data());
        check("y", out.data());
        w = matrix;
        x = in;
        y = out;
        type = w.dtype().ggmlId();
        weights = w.data().address();
        oneByOne = x.count() == 1 || w.rows() <= SMALL_MATRIX;
        precise = precision == Precision.FINE && x.count() > ROUNDED_ROWS ? 1 : 0;
        tileRows = oneByOne ? (int) Math.clamp(TILE_BYTES / w.rowBytes(), 1, TILE_ROWS) : TILE_ROWS;
        rowBytes = oneByOne ? level.gemvBytes(type, w.cols()) : 0;
    }

    /// C follows addresses without asking: better an exception than a crash.
    static void check(String name, MemorySegment data) {
        if (!data.isNative()) {
            throw new IllegalArgumentException(name + ": native kernels need memory outside the Java heap");
        }
        if (!data.scope().isAlive()) {
            throw new IllegalStateException(name + ": its memory has been closed");
        }
    }

    /// Whether the activations that `other` has prepared serve here too.
    boolean sharesActivations(NativeProduct other) {
        return x == other.x && type == other.type && oneByOne == other.oneByOne && precise == other.precise;
    }

    /// Bytes of prepared activations, whole cache lines.
    long preparedBytes() {
        long bytes = oneByOne ? rowBytes * x.count() : level.gemmBytes(type, precise, w.cols(), x.count());
        return (bytes + 63) & -64;
    }

    /// Bytes of scratch memory that a worker needs.
    long temporaryBytes() {
        return oneByOne ? 0 : level.gemmTmp(type, precise, w.cols(), x.count());
    }

    /// Tasks of [#prepare].
    int groups() {
        return oneByOne ? x.count() : Math.ceilDiv(x.count(), GROUP);
    }

    /// Tasks of [#multiply].
    int tiles() {
        return Math.ceilDiv(w.rows(), tileRows);
    }

    /// Says where prepared activations are, or will be.
    void preparedAt(long address) {
        prepared = address;
    }

    long prepared() {
        return prepared;
    }

    /// Prepares a group of activations.
    void prepare(int group) {
        long from = x.data().address() + x.offset(0);
        if (oneByOne) {
            level.gemvX(type, w.cols(), x.data().address() + x.offset(group), prepared + group * rowBytes);
        } else {
            int first = group * GROUP;
            int end = Math.min(first + GROUP, x.count());
            level.gemmX(type, precise, w.cols(), from, x.cols(), x.count(), first, end, prepared);
        }
    }

    /// Multiplies a tile of weight rows with all activations.
    void multiply(int tile, long temporary) {
        int from = tile * tileRows;
        int rows = Math.min(tileRows, w.rows() - from);
        long stride = w.rowBytes();
        long tileWeights = weights + from * stride;
        long to = y.data().address() + (long) from * Float.BYTES;
        if (!oneByOne) {
            level.gemm(
                    type,
                    precise,
                    w.cols(),
                    tileWeights,
                    stride,
                    rows,
                    prepared,
                    x.count(),
                    to + y.offset(0),
                    y.cols(),
                    temporary);
            return;
        }
        for (int row = 0; row < x.count(); row++) {
            level.gemv(type, w.cols(), tileWeights, stride, rows, prepared + row * rowBytes, to + y.offset(row));
        }
    }
}
