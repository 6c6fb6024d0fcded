package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.BYTES;
import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.Lanes.SHORTS;

import io.github.mixtral4j.quant.Q40;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Q4_0 in registers: nibbles times activations of 8 bits in 16-bit lanes; those of one byte belong to the two halves
/// of the block, and their products, at most 15 · 127, are added before they widen. The 8 that quants are too large by
/// is the business of the activations' sums. Needs registers of at least 256 bits.
final class VectorQ40 implements VectorFormat {
    static final VectorQ40 FORMAT = new VectorQ40();

    private static final int ELEMENTS = DType.Q4_0.blockElements();
    private static final int BLOCK = DType.Q4_0.blockBytes();
    private static final int EXCESS = 8;
    private static final int[] ORDER = QuantizedRow.order(ELEMENTS, i -> i);
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    private VectorQ40() {}

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.prepare(x, row, ORDER, ELEMENTS, EXCESS, out);
    }

    @Override
    public void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
        dots(weights, offset, stride, rows, k / ELEMENTS, x.bytes(k), x.sums(k / ELEMENTS * 2), scratch);
    }

    private static void dots(
            MemorySegment w, long offset, long stride, int rows, int blocks, byte[] x, float[] sums, float[] lanes) {
        Arrays.fill(lanes, WORK, WORK + rows, 0);
        for (int block = 0; block < blocks; block++) {
            for (int row = 0; row < rows; row++) {
                long o = offset + row * stride + (long) block * BLOCK;
                float scale = Float.float16ToFloat(w.get(HALF, o));
                lanes[WORK + row] += scale * sums[block * 2 + 1];
                IntVector sum = IntVector.zero(INTS);
                for (int i = 0; i < ELEMENTS / 2; i += COUNT) {
                    int p = block * ELEMENTS + i;
                    ShortVector q = (ShortVector) ByteVector.fromMemorySegment(BYTES, w, o + Q40.QUANTS + i, LE)
                            .convertShape(VectorOperators.B2S, SHORTS, 0);
                    sum = sum.add(q.and((short) 15)
                            .mul(ByteVector.fromArray(BYTES, x, p).convertShape(VectorOperators.B2S, SHORTS, 0))
                            .add(q.lanewise(VectorOperators.LSHR, 4)
                                    .and((short) 15)
                                    .mul(ByteVector.fromArray(BYTES, x, p + ELEMENTS / 2)
                                            .convertShape(VectorOperators.B2S, SHORTS, 0)))
                            .convertShape(VectorOperators.S2I, INTS, 0)
                            .reinterpretAsInts());
                }
                ((FloatVector) sum.convert(VectorOperators.I2F, 0))
                        .fma(
                                FloatVector.broadcast(FLOATS, scale * sums[block * 2]),
                                FloatVector.fromArray(FLOATS, lanes, row * COUNT))
                        .intoArray(lanes, row * COUNT);
            }
        }
        // Apart from the lanes until now: a register that is read right after a part of it was written has to wait.
        for (int row = 0; row < rows; row++) {
            lanes[row * COUNT] += lanes[WORK + row];
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BLOCK;
            int at = outOffset + block * ELEMENTS;
            FloatVector scale = FloatVector.broadcast(FLOATS, Float.float16ToFloat(w.get(HALF, o)));
            for (int i = 0; i < ELEMENTS / 2; i += COUNT) {
                IntVector q = Lanes.bytes(w, o + Q40.QUANTS + i);
                ((FloatVector) q.and(15).sub(8).convert(VectorOperators.I2F, 0))
                        .mul(scale)
                        .intoArray(out, at + i);
                ((FloatVector) q.lanewise(VectorOperators.LSHR, 4)
                                .and(15)
                                .sub(8)
                                .convert(VectorOperators.I2F, 0))
                        .mul(scale)
                        .intoArray(out, at + ELEMENTS / 2 + i);
            }
        }
    }
}
