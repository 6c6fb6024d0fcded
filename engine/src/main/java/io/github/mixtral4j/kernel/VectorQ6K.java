package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q6K;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Q6_K in registers of 512 bits. The lower bits of a half block fill one register, its upper bits half of one, which
/// is doubled: low nibbles are the elements 0 to 63, high nibbles 64 to 127, both in the order of the bytes. A 16-bit
/// lane holds two neighbours, so activations come 64 at a time, first the even ones, then the odd ones. Products are at
/// most 63 · 127, their four to an integer lane belong to one group of 16, and the 32 that quants are too large by is
/// the business of the activations' sums.
final class VectorQ6K implements VectorFormat {
    static final VectorQ6K FORMAT = new VectorQ6K();

    private static final int ELEMENTS = DType.Q6_K.blockElements();
    private static final int BLOCK = DType.Q6_K.blockBytes();
    private static final int HALF_BLOCK = ELEMENTS / 2;
    private static final int GROUP = 16;
    private static final int EXCESS = 32;
    private static final int SUMS = 2 * ELEMENTS / GROUP;
    private static final int[] ORDER =
            QuantizedRow.order(ELEMENTS, place -> place / 64 * 64 + place % 32 * 2 + place % 64 / 32);
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    private static final VectorSpecies<Float> F16 = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I16 = IntVector.SPECIES_512;
    private static final VectorSpecies<Short> S32 = ShortVector.SPECIES_512;
    private static final VectorSpecies<Integer> I8 = IntVector.SPECIES_256;
    private static final VectorSpecies<Byte> B32 = ByteVector.SPECIES_256;
    private static final VectorSpecies<Byte> B16 = ByteVector.SPECIES_128;
    private static final IntVector BITS45 = IntVector.broadcast(I16, 0x30303030);
    // For each half of a block the scales of its four groups of low and of high nibbles, four lanes each.
    private static final VectorShuffle<Float> GROUPS0 = groups(0);
    private static final VectorShuffle<Float> GROUPS4 = groups(4);
    private static final VectorShuffle<Float> GROUPS8 = groups(8);
    private static final VectorShuffle<Float> GROUPS12 = groups(12);

    private VectorQ6K() {}

    private static VectorShuffle<Float> groups(int from) {
        return VectorShuffle.fromOp(F16, i -> from + i / 4);
    }

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.preparePairs(x, row, ORDER, GROUP, EXCESS, out);
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
                FloatVector scales = ((FloatVector) ByteVector.fromMemorySegment(B16, w, o + Q6K.GROUP_SCALES, LE)
                                .convertShape(VectorOperators.B2I, I16, 0)
                                .convert(VectorOperators.I2F, 0))
                        .mul(Float.float16ToFloat(w.get(HALF, o + Q6K.SCALE)));
                FloatVector acc = scales.fma(
                        FloatVector.fromArray(F16, sums, block * SUMS + SUMS / 2),
                        FloatVector.fromArray(F16, lanes, row * COUNT));
                scales = scales.mul(FloatVector.fromArray(F16, sums, block * SUMS));

                for (int half = 0; half < 2; half++) {
                    int p = block * ELEMENTS + half * HALF_BLOCK;
                    IntVector q = IntVector.fromMemorySegment(I16, w, o + half * 64L, LE);
                    IntVector high = IntVector.fromMemorySegment(I8, w, o + Q6K.HIGH_BITS + half * 32L, LE)
                            .reinterpretShape(I16, 0)
                            .reinterpretAsInts()
                            .rearrange(VectorQ5K.DOUBLED)
                            .mul(VectorQ5K.LOWER_BY_2);
                    IntVector n = q.and(VectorQ5K.NIBBLES)
                            .or(high.lanewise(VectorOperators.LSHL, 2).and(BITS45));
                    acc = ((FloatVector) n.and(VectorQ5K.BYTES)
                                    .mul(ByteVector.fromArray(B32, x, p)
                                            .convertShape(VectorOperators.B2S, S32, 0)
                                            .reinterpretAsInts())
                                    .add(n.lanewise(VectorOperators.LSHR, 8)
                                            .and(VectorQ5K.BYTES)
                                            .mul(ByteVector.fromArray(B32, x, p + 32)
                                                    .convertShape(VectorOperators.B2S, S32, 0)
                                                    .reinterpretAsInts()))
                                    .convert(VectorOperators.I2F, 0))
                            .fma(scales.rearrange(half == 0 ? GROUPS0 : GROUPS8), acc);
                    n = q.lanewise(VectorOperators.LSHR, 4)
                            .and(VectorQ5K.NIBBLES)
                            .or(high.lanewise(VectorOperators.LSHR, 2).and(BITS45));
                    acc = ((FloatVector) n.and(VectorQ5K.BYTES)
                                    .mul(ByteVector.fromArray(B32, x, p + 64)
                                            .convertShape(VectorOperators.B2S, S32, 0)
                                            .reinterpretAsInts())
                                    .add(n.lanewise(VectorOperators.LSHR, 8)
                                            .and(VectorQ5K.BYTES)
                                            .mul(ByteVector.fromArray(B32, x, p + 96)
                                                    .convertShape(VectorOperators.B2S, S32, 0)
                                                    .reinterpretAsInts()))
                                    .convert(VectorOperators.I2F, 0))
                            .fma(scales.rearrange(half == 0 ? GROUPS4 : GROUPS12), acc);
                }
                acc.intoArray(lanes, row * COUNT);
            }
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int half = 0; half < elements / 128; half++) {
            long o = offset + (long) (half / 2) * BLOCK;
            float scale = Float.float16ToFloat(w.get(HALF, o + Q6K.SCALE));
            for (int group = 0; group < 2; group++) {
                expandGroups(w, o, half % 2, group, scale, out, outOffset + half * 128 + group * GROUP);
            }
        }
    }

    /// The four groups of a half block whose quants share 16 bytes of upper bits.
    private static void expandGroups(
            MemorySegment w, long block, int half, int group, float scale, float[] out, int at) {
        long low = block + Q6K.QUANTS + 64L * half + (long) GROUP * group;
        long high = block + Q6K.HIGH_BITS + 32L * half + (long) GROUP * group;
        long scales = block + Q6K.GROUP_SCALES + 8L * half + group;
        FloatVector scale0 = FloatVector.broadcast(FLOATS, scale * w.get(ValueLayout.JAVA_BYTE, scales));
        FloatVector scale2 = FloatVector.broadcast(FLOATS, scale * w.get(ValueLayout.JAVA_BYTE, scales + 2));
        FloatVector scale4 = FloatVector.broadcast(FLOATS, scale * w.get(ValueLayout.JAVA_BYTE, scales + 4));
        FloatVector scale6 = FloatVector.broadcast(FLOATS, scale * w.get(ValueLayout.JAVA_BYTE, scales + 6));
        for (int i = 0; i < GROUP; i += COUNT) {
            IntVector q0 = Lanes.bytes(w, low + i);
            IntVector q2 = Lanes.bytes(w, low + 32 + i);
            IntVector h = Lanes.bytes(w, high + i);
            ((FloatVector) q0.and(15)
                            .or(h.lanewise(VectorOperators.LSHL, 4).and(48))
                            .sub(32)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale0)
                    .intoArray(out, at + i);
            ((FloatVector) q2.and(15)
                            .or(h.lanewise(VectorOperators.LSHL, 2).and(48))
                            .sub(32)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale2)
                    .intoArray(out, at + 32 + i);
            ((FloatVector) q0.lanewise(VectorOperators.LSHR, 4)
                            .and(15)
                            .or(h.and(48))
                            .sub(32)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale4)
                    .intoArray(out, at + 64 + i);
            ((FloatVector) q2.lanewise(VectorOperators.LSHR, 4)
                            .and(15)
                            .or(h.lanewise(VectorOperators.LSHR, 2).and(48))
                            .sub(32)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale6)
                    .intoArray(out, at + 96 + i);
        }
    }
}
