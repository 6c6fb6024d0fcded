package io.github.mixtral4j.kernel;

import io.github.mixtral4j.quant.BlockCodec;
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
            case Q4_0 -> fromLanes(8, type, VectorQ40.FORMAT);
            case Q8_0 -> fromLanes(8, type, VectorQ80.FORMAT);
            case Q4_K -> VectorQ4K.FORMAT;
            case Q5_K -> fromLanes(16, type, VectorQ5K.FORMAT);
            case Q6_K -> fromLanes(16, type, VectorQ6K.FORMAT);
            case Q4_1, Q5_0, Q5_1, Q2_K, Q3_K ->
                new Expanded(
                        type, (w, offset, n, out, at) -> BlockCodec.of(type).decode(w, offset, out, at, n));
        };
    }

    /// A format whose dot product needs so many floats to a register; with fewer it is expanded first.
    private static VectorFormat fromLanes(int count, DType type, VectorFormat format) {
        return Lanes.COUNT >= count ? format : new Expanded(type, format::expand);
    }

    /// Decodes `elements` weights, whole blocks, from byte `offset` on.
    void expand(MemorySegment weights, long offset, int elements, float[] out, int outOffset);

    /// Prepares one row of activations for [#dot].
    default void prepare(Rows x, int row, Activations out) {
        MemorySegment.copy(x.data(), Rows.FLOAT, x.offset(row), out.floats(x.cols()), 0, x.cols());
    }

    /// Dot product of one row of `k` weights with prepared activations.
    ///
    /// @param scratch at least [#SCRATCH_FLOATS] floats of the calling worker, overwritten
    float dot(MemorySegment weights, long offset, int k, Activations x, float[] scratch);

    /// Elements that a format without kernels of its own expands at a time: they stay in the first-level cache.
    int SCRATCH_FLOATS = 256;

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
        public float dot(MemorySegment weights, long offset, int k, Activations x, float[] scratch) {
            float sum = 0;
            for (int done = 0; done < k; done += SCRATCH_FLOATS) {
                int n = Math.min(SCRATCH_FLOATS, k - done);
                expand(weights, offset + type.bytes(done), n, scratch, 0);
                sum += dot(scratch, x.floats(k), done, n);
            }
            return sum;
        }

        private static float dot(float[] weights, float[] x, int at, int n) {
            FloatVector acc0 = FloatVector.zero(Lanes.FLOATS);
            FloatVector acc1 = acc0;
            int i = 0;
            for (; i <= n - 2 * Lanes.COUNT; i += 2 * Lanes.COUNT) {
                acc0 = FloatVector.fromArray(Lanes.FLOATS, weights, i)
                        .fma(FloatVector.fromArray(Lanes.FLOATS, x, at + i), acc0);
                acc1 = FloatVector.fromArray(Lanes.FLOATS, weights, i + Lanes.COUNT)
                        .fma(FloatVector.fromArray(Lanes.FLOATS, x, at + i + Lanes.COUNT), acc1);
            }
            float rest = 0;
            for (; i < n; i++) {
                rest += weights[i] * x[at + i];
            }
            acc0.add(acc1).intoArray(weights, 0);
            return Lanes.sum(weights) + rest;
        }
    }
}
