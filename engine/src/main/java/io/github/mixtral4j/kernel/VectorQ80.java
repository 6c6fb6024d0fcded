package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.BYTES;
import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.Lanes.SHORTS;

import io.github.mixtral4j.quant.Q80;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Q8_0 in registers: bytes times activations of 8 bits in 16-bit lanes. The products of the lower and the upper half
/// of a block are added before they widen, at most 2 · 128 · 127. Needs registers of at least 256 bits.
final class VectorQ80 implements VectorFormat {
    static final VectorQ80 FORMAT = new VectorQ80();

    private static final int ELEMENTS = DType.Q8_0.blockElements();
    private static final int BLOCK = DType.Q8_0.blockBytes();
    private static final int[] ORDER = QuantizedRow.order(ELEMENTS, i -> i);
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    private VectorQ80() {}

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.prepare(x, row, ORDER, ELEMENTS, 0, out);
    }

    @Override
    public void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
        dots(weights, offset, stride, rows, k / ELEMENTS, x.bytes(k), x.sums(k / ELEMENTS * 2), scratch);
    }

    private static void dots(
            MemorySegment w, long offset, long stride, int rows, int blocks, byte[] x, float[] sums, float[] lanes) {
        for (int block = 0; block < blocks; block++) {
            for (int row = 0; row < rows; row++) {
                long o = offset + row * stride + (long) block * BLOCK;
                float scale = Float.float16ToFloat(w.get(HALF, o)) * sums[block * 2];
                IntVector sum = IntVector.zero(INTS);
                for (int i = 0; i < ELEMENTS / 2; i += COUNT) {
                    int p = block * ELEMENTS + i;
                    sum = sum.add(ByteVector.fromMemorySegment(BYTES, w, o + Q80.QUANTS + i, LE)
                            .convertShape(VectorOperators.B2S, SHORTS, 0)
                            .reinterpretAsShorts()
                            .mul(ByteVector.fromArray(BYTES, x, p)
                                    .convertShape(VectorOperators.B2S, SHORTS, 0)
                                    .reinterpretAsShorts())
                            .add(ByteVector.fromMemorySegment(BYTES, w, o + Q80.QUANTS + ELEMENTS / 2 + i, LE)
                                    .convertShape(VectorOperators.B2S, SHORTS, 0)
                                    .reinterpretAsShorts()
                                    .mul(ByteVector.fromArray(BYTES, x, p + ELEMENTS / 2)
                                            .convertShape(VectorOperators.B2S, SHORTS, 0)
                                            .reinterpretAsShorts()))
                            .convertShape(VectorOperators.S2I, INTS, 0)
                            .reinterpretAsInts());
                }
                ((FloatVector) sum.convert(VectorOperators.I2F, 0))
                        .fma(FloatVector.broadcast(FLOATS, scale), FloatVector.fromArray(FLOATS, lanes, row * COUNT))
                        .intoArray(lanes, row * COUNT);
            }
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BLOCK;
            FloatVector scale = FloatVector.broadcast(FLOATS, Float.float16ToFloat(w.get(HALF, o)));
            for (int i = 0; i < ELEMENTS; i += COUNT) {
                ((FloatVector) Lanes.bytes(w, o + Q80.QUANTS + i).convert(VectorOperators.I2F, 0))
                        .mul(scale)
                        .intoArray(out, outOffset + block * ELEMENTS + i);
            }
        }
    }
}
