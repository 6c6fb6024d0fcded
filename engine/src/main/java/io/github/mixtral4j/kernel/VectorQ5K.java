package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q5K;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Q5_K in registers of 512 bits: [VectorQ4K] with a fifth bit. Scales, minimums and the order of activations are the
/// same. The 32 bytes of fifth bits are doubled to a register. Its lower half meets sub-blocks 0 and 1, then 4 and 5,
/// its upper half 2 and 3, then 6 and 7; the lower one is shifted by two bits to where the upper one has them.
final class VectorQ5K implements VectorFormat {
    static final VectorQ5K FORMAT = new VectorQ5K();

    private static final int ELEMENTS = DType.Q5_K.blockElements();
    private static final int BLOCK = DType.Q5_K.blockBytes();
    private static final int HALF = ELEMENTS / 2;
    private static final int SUMS = 16;
    private static final VectorSpecies<Float> F16 = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I16 = IntVector.SPECIES_512;
    private static final VectorSpecies<Short> S32 = ShortVector.SPECIES_512;
    private static final VectorSpecies<Integer> I8 = IntVector.SPECIES_256;
    private static final VectorSpecies<Byte> B32 = ByteVector.SPECIES_256;
    static final VectorShuffle<Integer> DOUBLED = VectorShuffle.fromOp(I16, i -> i % 8);
    /// Shifts the lower half of a register to the left by two bits, as a product: shifts by a vector take C2 three
    /// times as many nodes.
    static final IntVector LOWER_BY_2 = IntVector.broadcast(I16, 4).blend(1, VectorMask.fromLong(I16, 0xff00));
    /// The lower bytes of 16-bit lanes.
    static final IntVector BYTES = IntVector.broadcast(I16, 0x00ff00ff);
    static final IntVector NIBBLES = IntVector.broadcast(I16, 0x0f0f0f0f);
    private static final IntVector BIT4 = IntVector.broadcast(I16, 0x10101010);

    private VectorQ5K() {}

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.preparePairs(x, row, VectorQ4K.ORDER, ELEMENTS / 8, 1, out);
    }

    @Override
    public void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
        dots(weights, offset, stride, rows, k / ELEMENTS, x.bytes(k), x.sums(k / ELEMENTS * SUMS), scratch);
    }

    private static void dots(
            MemorySegment w, long offset, long stride, int rows, int blocks, byte[] x, float[] sums, float[] lanes) {
        for (int block = 0; block < blocks; block++) {
            for (int row = 0; row < rows; row++) {
                long o = offset + row * stride + (long) block * BLOCK;
                long head = w.get(VectorQ4K.LONG, o);
                long tail = w.get(VectorQ4K.LONG, o + 8);
                FloatVector scales = (FloatVector) LongVector.zero(VectorQ4K.L2)
                        .withLane(0, VectorQ4K.factors(head, tail))
                        .withLane(1, VectorQ4K.minimums(tail))
                        .reinterpretAsBytes()
                        .convertShape(VectorOperators.B2I, I16, 0)
                        .convert(VectorOperators.I2F, 0);
                scales = scales.mul(FloatVector.broadcast(F16, Float.float16ToFloat((short) head))
                                .blend(Float.float16ToFloat((short) (head >>> 16)), VectorQ4K.MINIMUMS))
                        .mul(FloatVector.fromArray(F16, sums, block * SUMS));
                FloatVector acc = FloatVector.fromArray(F16, lanes, row * COUNT).add(scales, VectorQ4K.MINIMUMS);

                IntVector fifth = IntVector.fromMemorySegment(I8, w, o + Q5K.HIGH_BITS, LE)
                        .reinterpretShape(I16, 0)
                        .reinterpretAsInts()
                        .rearrange(DOUBLED)
                        .mul(LOWER_BY_2);
                for (int half = 0; half < 2; half++) {
                    int p = block * ELEMENTS + half * HALF;
                    IntVector q = IntVector.fromMemorySegment(I16, w, o + Q5K.QUANTS + half * 64L, LE);
                    IntVector bits = fifth.lanewise(VectorOperators.LSHR, 4 * half);
                    IntVector n = q.and(NIBBLES)
                            .or(bits.lanewise(VectorOperators.LSHL, 2).and(BIT4));
                    acc = ((FloatVector) n.and(BYTES)
                                    .mul(ByteVector.fromArray(B32, x, p)
                                            .convertShape(VectorOperators.B2S, S32, 0)
                                            .reinterpretAsInts())
                                    .add(n.lanewise(VectorOperators.LSHR, 8)
                                            .and(BYTES)
                                            .mul(ByteVector.fromArray(B32, x, p + 64)
                                                    .convertShape(VectorOperators.B2S, S32, 0)
                                                    .reinterpretAsInts()))
                                    .convert(VectorOperators.I2F, 0))
                            .fma(scales.rearrange(half == 0 ? VectorQ4K.SUB02 : VectorQ4K.SUB46), acc);
                    n = q.lanewise(VectorOperators.LSHR, 4)
                            .and(NIBBLES)
                            .or(bits.lanewise(VectorOperators.LSHL, 1).and(BIT4));
                    acc = ((FloatVector) n.and(BYTES)
                                    .mul(ByteVector.fromArray(B32, x, p + 32)
                                            .convertShape(VectorOperators.B2S, S32, 0)
                                            .reinterpretAsInts())
                                    .add(n.lanewise(VectorOperators.LSHR, 8)
                                            .and(BYTES)
                                            .mul(ByteVector.fromArray(B32, x, p + 96)
                                                    .convertShape(VectorOperators.B2S, S32, 0)
                                                    .reinterpretAsInts()))
                                    .convert(VectorOperators.I2F, 0))
                            .fma(scales.rearrange(half == 0 ? VectorQ4K.SUB13 : VectorQ4K.SUB57), acc);
                }
                acc.intoArray(lanes, row * COUNT);
            }
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BLOCK;
            int at = outOffset + block * ELEMENTS;
            // The scales stand where the block's last group will overwrite them after it has read its own.
            int scales = at + ELEMENTS - 16;
            VectorQ4K.scales(w, o, out, scales);
            for (int group = 0; group < 4; group++) {
                expandGroup(w, o, group, scales + 2 * group, out, at + 64 * group);
            }
        }
    }

    private static void expandGroup(MemorySegment w, long block, int group, int scales, float[] out, int at) {
        long low = block + Q5K.QUANTS + 32L * group;
        FloatVector scale0 = FloatVector.broadcast(FLOATS, out[scales]);
        FloatVector scale1 = FloatVector.broadcast(FLOATS, out[scales + 1]);
        FloatVector min0 = FloatVector.broadcast(FLOATS, -out[scales + 8]);
        FloatVector min1 = FloatVector.broadcast(FLOATS, -out[scales + 9]);
        for (int i = 0; i < 32; i += COUNT) {
            IntVector q = Lanes.bytes(w, low + i);
            IntVector fifth = Lanes.bytes(w, block + Q5K.HIGH_BITS + i).lanewise(VectorOperators.LSHR, 2 * group);
            ((FloatVector) q.and(15)
                            .or(fifth.lanewise(VectorOperators.LSHL, 4).and(16))
                            .convert(VectorOperators.I2F, 0))
                    .fma(scale0, min0)
                    .intoArray(out, at + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 4)
                            .and(15)
                            .or(fifth.lanewise(VectorOperators.LSHL, 3).and(16))
                            .convert(VectorOperators.I2F, 0))
                    .fma(scale1, min1)
                    .intoArray(out, at + 32 + i);
        }
    }
}
