package io.github.mixtral4j.kernel;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/// How vector kernels read one weight format: expanded to floats for many rows, or multiplied straight from its blocks
/// for one row.
///
/// A format may want the activations of a row prepared: quantized, permuted to the order in which its weights come out
/// of the registers, with sums that belong to its minimums. That is done once per row and matrix.
interface VectorFormat {
    /// The kernels of a format.
    static VectorFormat of(DType type) {
        return switch (type) {
            case Q4_K -> VectorQ4K.FORMAT;
            case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q5_K, Q6_K -> new Expanded(type);
        };
    }

    /// Decodes `elements` weights, whole blocks, from byte `offset` on.
    void expand(MemorySegment weights, long offset, int elements, float[] out, int outOffset);

    /// Prepares one row of activations for [#dot].
    default void prepare(Rows x, int row, Activations out) {
        MemorySegment.copy(x.data(), Rows.FLOAT, x.offset(row), out.floats(x.cols()), 0, x.cols());
    }

    /// Dot product of one row of `k` weights with prepared activations.
    ///
    /// @param scratch at least [#SCRATCH_FLOATS] floats of the calling worker
    float dot(MemorySegment weights, long offset, int k, Activations x, float[] scratch);

    /// Elements that a format without kernels of its own expands at a time: they stay in the first-level cache.
    int SCRATCH_FLOATS = 256;

    /// A format whose weights are expanded before they are multiplied.
    record Expanded(DType type) implements VectorFormat {
        @Override
        public void expand(MemorySegment weights, long offset, int elements, float[] out, int outOffset) {
            BlockCodec.of(type).decode(weights, offset, out, outOffset, elements);
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
            float sum = acc0.add(acc1).reduceLanes(VectorOperators.ADD);
            for (; i < n; i++) {
                sum += weights[i] * x[at + i];
            }
            return sum;
        }
    }
}
