package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.Lanes.SHORTS;
import static io.github.mixtral4j.kernel.PagedKv.PAGE_TOKENS;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Keys and values of a page of the cache ([PagedKv]) as floats, whatever the cache holds.
final class CachedFloats {
    /// Elements of Q8_0 with a scale in common.
    private static final int BLOCK = DType.Q8_0.blockElements();

    private CachedFloats() {}

    /// Keys of a head, transposed as they are kept: element i of token t at `i * PAGE_TOKENS + t`.
    ///
    /// @param scratch a page's tokens long; what it held is lost
    static void keys(MemorySegment page, long offset, DType type, int dim, float[] out, float[] scratch) {
        if (type == DType.Q8_0) {
            q8Keys(page, offset, dim, out, scratch);
        } else {
            rows(page, offset, type, dim, PAGE_TOKENS, out, PAGE_TOKENS);
        }
    }

    /// Values of a head, token by token, `stride` floats apart.
    static void values(MemorySegment page, long offset, DType type, int dim, float[] out, int stride) {
        if (type == DType.Q8_0) {
            q8Values(page, offset, dim, out, stride);
        } else {
            rows(page, offset, type, PAGE_TOKENS, dim, out, stride);
        }
    }

    private static void rows(MemorySegment page, long offset, DType type, int rows, int cols, float[] out, int stride) {
        for (int row = 0; row < rows; row++) {
            long from = offset + (long) row * cols * type.blockBytes();
            if (type == DType.F16) {
                halves(page, from, cols, out, row * stride);
            } else {
                MemorySegment.copy(page, Rows.FLOAT, from, out, row * stride, cols);
            }
        }
    }

    private static void halves(MemorySegment page, long offset, int cols, float[] out, int at) {
        int i = 0;
        for (; i <= cols - COUNT; i += COUNT) {
            IntVector half = (IntVector) ShortVector.fromMemorySegment(SHORTS, page, offset + i * 2L, LE)
                    .convertShape(VectorOperators.S2I, INTS, 0);
            Lanes.fromHalf(half).intoArray(out, at + i);
        }
        for (; i < cols; i++) {
            out[at + i] = Float.float16ToFloat(page.get(ValueLayout.JAVA_SHORT, offset + i * 2L));
        }
    }

    /// The tokens of a row of keys have scales of their own, which hold for a block of rows.
    private static void q8Keys(MemorySegment page, long offset, int dim, float[] out, float[] scales) {
        long scale = offset + (long) dim * PAGE_TOKENS;
        for (int row = 0; row < dim; row++) {
            if (row % BLOCK == 0) {
                halves(page, scale + row / BLOCK * PAGE_TOKENS * 2L, PAGE_TOKENS, scales, 0);
            }
            long from = offset + (long) row * PAGE_TOKENS;
            for (int t = 0; t < PAGE_TOKENS; t += COUNT) {
                FloatVector v = (FloatVector) Lanes.bytes(page, from + t).convertShape(VectorOperators.I2F, FLOATS, 0);
                v.mul(FloatVector.fromArray(FLOATS, scales, t)).intoArray(out, row * PAGE_TOKENS + t);
            }
        }
    }

    /// A token has a scale for each block of elements of a value.
    private static void q8Values(MemorySegment page, long offset, int dim, float[] out, int stride) {
        long scale = offset + (long) dim * PAGE_TOKENS;
        for (int t = 0; t < PAGE_TOKENS; t++) {
            for (int i = 0; i < dim; i += BLOCK, scale += 2) {
                float s = Float.float16ToFloat(page.get(ValueLayout.JAVA_SHORT, scale));
                long from = offset + (long) t * dim + i;
                for (int j = 0; j < BLOCK; j += COUNT) {
                    FloatVector v =
                            (FloatVector) Lanes.bytes(page, from + j).convertShape(VectorOperators.I2F, FLOATS, 0);
                    v.mul(s).intoArray(out, t * stride + i + j);
                }
            }
        }
    }
}
