package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// How vector kernels read one weight format: expanded to floats for many rows, or multiplied straight from its blocks
/// for one row.
///
/// A format may want the activations of a row prepared: quantized, permuted to the order in which its weights come out
/// of the registers, with sums that belong to its minimums. That is done once per row and matrix.
interface VectorFormat {
    /// The kernels of a format.
    static VectorFormat of(DType type) {
        return switch (type) {
            case F32 -> VectorFloats.F32;
            case F16 -> VectorFloats.F16;
            case BF16 -> VectorFloats.BF16;
            case Q4_0 -> VectorQ40.FORMAT;
            case Q8_0 -> fromLanes(8, type, VectorQ80.FORMAT);
            case Q4_K -> VectorQ4K.FORMAT;
            case Q5_K -> fromLanes(16, type, VectorQ5K.FORMAT);
            case Q6_K -> fromLanes(16, type, VectorQ6K.FORMAT);
            case Q4_1 -> VectorQ41.FORMAT;
            case Q5_0 -> VectorQ50.FORMAT;
            case Q5_1 -> VectorQ51.FORMAT;
            case Q2_K -> fromLanes(8, type, VectorQ2K.FORMAT);
            case Q3_K -> fromLanes(8, type, VectorQ3K.FORMAT);
        };
    }

    /// A format whose dot product needs so many floats to a register; with fewer it is expanded first.
    private static VectorFormat fromLanes(int count, DType type, VectorFormat format) {
        return COUNT >= count ? format : new Expanded(type, format::expand);
    }

    /// Decodes `elements` weights, whole blocks, from byte `offset` on.
    void expand(MemorySegment weights, long offset, int elements, float[] out, int outOffset);

    /// Prepares one row of activations for [#dot].
    default void prepare(Rows x, int row, Activations out) {
        MemorySegment.copy(x.data(), Rows.FLOAT, x.offset(row), out.floats(x.cols()), 0, x.cols());
    }

    /// Rows of weights that one call of [#dots] reads side by side, block by block.
    ///
    /// Four rows use activations that have come into the first-level cache once. One row at a time, the stream of
    /// weights drives long activations out of that cache before the next row needs them: rows of 16384 weights were
    /// read at 60 % of the speed of rows of 6144.
    int STREAMS = 4;

    /// Where a caller's scratch is free for the format's own use: behind the lanes of all streams.
    int WORK = STREAMS * 16;

    /// Elements that a format without kernels of its own expands at a time: they stay in the first-level cache.
    int EXPANDED = 256;

    /// Floats of scratch that [#dots] needs.
    int SCRATCH_FLOATS = WORK + EXPANDED;

    /// Dot products of rows of `k` weights with prepared activations. The lanes of row `r` are added to the register at
    /// `r *` [Lanes#COUNT] of `scratch`; their sum is the product.
    ///
    /// @param offset first byte of the first row
    /// @param stride bytes from one row to the next
    /// @param rows at most [#STREAMS]
    /// @param scratch [#SCRATCH_FLOATS] floats of the calling worker
    void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch);

    /// A format whose weights are expanded before they are multiplied.
    record Expanded(DType type, Expansion expansion) implements VectorFormat {
        /// See [VectorFormat#expand].
        interface Expansion {
            void expand(MemorySegment weights, long offset, int elements, float[] out, int outOffset);
        }

        @Override
        public void expand(MemorySegment weights, long offset, int elements, float[] out, int outOffset) {
            expansion.expand(weights, offset, elements, out, outOffset);
        }

        @Override
        public void dots(
                MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
            dots(weights, offset, stride, rows, 0, k, x, scratch);
        }

        /// Multiplies the weights from column `from` on with floats.
        void dots(
                MemorySegment weights,
                long offset,
                long stride,
                int rows,
                int from,
                int k,
                Activations x,
                float[] scratch) {
            for (int done = from; done < k; done += EXPANDED) {
                int n = Math.min(EXPANDED, k - done);
                for (int row = 0; row < rows; row++) {
                    expand(weights, offset + row * stride + type.bytes(done), n, scratch, WORK);
                    dot(x.floats(k), done, n, scratch, row * COUNT);
                }
            }
        }

        /// Multiplies the expanded weights, `n` whole registers or what is left of a row.
        private static void dot(float[] x, int from, int n, float[] scratch, int lanes) {
            FloatVector acc = FloatVector.fromArray(FLOATS, scratch, lanes);
            int i = 0;
            for (; i <= n - COUNT; i += COUNT) {
                acc = FloatVector.fromArray(FLOATS, scratch, WORK + i)
                        .fma(FloatVector.fromArray(FLOATS, x, from + i), acc);
            }
            acc.intoArray(scratch, lanes);
            for (; i < n; i++) {
                scratch[lanes] += scratch[WORK + i] * x[from + i];
            }
        }
    }
}
