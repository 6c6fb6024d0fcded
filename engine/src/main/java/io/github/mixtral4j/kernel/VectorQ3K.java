package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.VectorQ2K.HALF_BYTES;
import static io.github.mixtral4j.kernel.VectorQ2K.REGISTER;
import static io.github.mixtral4j.kernel.VectorQ2K.REGISTERS;
import static io.github.mixtral4j.kernel.VectorQ2K.SHORTS;
import static io.github.mixtral4j.kernel.VectorQ2K.SUMS;

import io.github.mixtral4j.quant.Q3K;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Q3_K in registers of at least 256 bits: [VectorQ2K] with a third bit; groups and the order of activations are the
/// same. The 32 bytes of third bits meet both half blocks, shift `b` of the first in bit `b`, of the second in bit
/// `4 + b`; the former are moved to the latter. The 4 that quants are too large by is the business of the activations'
/// sums.
final class VectorQ3K implements VectorFormat {
    static final VectorQ3K FORMAT = new VectorQ3K();

    private static final int ELEMENTS = DType.Q3_K.blockElements();
    private static final int BLOCK = DType.Q3_K.blockBytes();
    private static final int GROUP = 16;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    private static final int EXCESS = 4;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LE);
    private static final VectorSpecies<Long> L2 = LongVector.SPECIES_128;
    private static final VectorShuffle<Integer> DOUBLED = VectorShuffle.fromOp(INTS, i -> i % 8);
    /// Shifts the lower half of a register of 16 lanes to the left by four bits.
    private static final IntVector LOWER_BY_4 =
            IntVector.broadcast(INTS, 16).blend(1, VectorMask.fromLong(INTS, 0xff00));
    private static final IntVector LOW_BITS = IntVector.broadcast(INTS, 0x03030303);
    private static final IntVector THIRD_BITS = IntVector.broadcast(INTS, 0x04040404);
    private static final IntVector PAIR = IntVector.broadcast(INTS, 0x00070007);

    private VectorQ3K() {}

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.preparePairs(x, row, VectorQ2K.ORDER, GROUP, EXCESS, out);
    }

    @Override
    public void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
        dots(weights, offset, stride, rows, k / ELEMENTS, x.bytes(k), x.sums(k / ELEMENTS * SUMS), scratch);
    }

    /// Scales 0 to 7, a byte each: the lower four bits and, in one word, the upper two, less 32.
    private static long scales0(long low, long high) {
        return signed(low & 0x0f0f0f0f0f0f0f0fL | high << 4 & 0x30303030L | high << 34 & 0x3030303000000000L);
    }

    /// Scales 8 to 15.
    private static long scales8(long low, long high) {
        return signed(low >>> 4 & 0x0f0f0f0f0f0f0f0fL | high & 0x30303030L | high << 30 & 0x3030303000000000L);
    }

    /// Subtracts 32 from each byte, 0 to 63: adding 96 carries into no neighbour, and 128 either way is one bit.
    private static long signed(long bytes) {
        return bytes + 0x6060606060606060L ^ 0x8080808080808080L;
    }

    private static void dots(
            MemorySegment w, long offset, long stride, int rows, int blocks, byte[] x, float[] sums, float[] lanes) {
        for (int block = 0; block < blocks; block++) {
            for (int row = 0; row < rows; row++) {
                long o = offset + row * stride + (long) block * BLOCK;
                long low = w.get(LONG, o + Q3K.GROUP_SCALES);
                long tail = w.get(LONG, o + BLOCK - Long.BYTES);
                long high = tail >>> 16 & 0xffffffffL;
                long scales0 = scales0(low, high);
                long scales8 = scales8(low, high);
                float scale = Float.float16ToFloat((short) (tail >>> 48));
                FloatVector acc = FloatVector.fromArray(FLOATS, lanes, row * COUNT);
                for (int register = 0; register < REGISTERS; register++) {
                    FloatVector scales = ((FloatVector) LongVector.zero(L2)
                                    .withLane(0, register == 0 ? scales0 : scales8)
                                    .withLane(1, scales8)
                                    .reinterpretAsBytes()
                                    .convertShape(VectorOperators.B2I, INTS, 0)
                                    .convert(VectorOperators.I2F, 0))
                            .mul(scale);
                    acc = scales.fma(
                            FloatVector.fromArray(FLOATS, sums, block * SUMS + SUMS / 2 + register * COUNT), acc);
                    scales = scales.mul(FloatVector.fromArray(FLOATS, sums, block * SUMS + register * COUNT));
                    IntVector third = IntVector.fromMemorySegment(INTS, w, o + Q3K.HIGH_BITS, LE);
                    third = COUNT == 16
                            ? third.rearrange(DOUBLED).mul(LOWER_BY_4)
                            : third.lanewise(VectorOperators.LSHL, 4 - 4 * register);
                    IntVector q = IntVector.fromMemorySegment(INTS, w, o + Q3K.QUANTS + (long) register * REGISTER, LE);
                    for (int half = 0; half < 2; half++) {
                        int p = block * ELEMENTS + (4 * register + 2 * half) * REGISTER;
                        IntVector n = q.lanewise(VectorOperators.LSHR, 4 * half)
                                .and(LOW_BITS)
                                .or(third.lanewise(VectorOperators.LSHR, 2 + 2 * half)
                                        .and(THIRD_BITS));
                        acc = ((FloatVector) n.and(PAIR)
                                        .mul(ByteVector.fromArray(HALF_BYTES, x, p)
                                                .convertShape(VectorOperators.B2S, SHORTS, 0)
                                                .reinterpretAsInts())
                                        .add(n.lanewise(VectorOperators.LSHR, 8)
                                                .and(PAIR)
                                                .mul(ByteVector.fromArray(HALF_BYTES, x, p + REGISTER / 2)
                                                        .convertShape(VectorOperators.B2S, SHORTS, 0)
                                                        .reinterpretAsInts()))
                                        .convert(VectorOperators.I2F, 0))
                                .fma(scales.rearrange(half == 0 ? VectorQ2K.GROUPS0 : VectorQ2K.GROUPS2), acc);
                        n = q.lanewise(VectorOperators.LSHR, 4 * half + 2)
                                .and(LOW_BITS)
                                .or(third.lanewise(VectorOperators.LSHR, 3 + 2 * half)
                                        .and(THIRD_BITS));
                        acc = ((FloatVector) n.and(PAIR)
                                        .mul(ByteVector.fromArray(HALF_BYTES, x, p + REGISTER)
                                                .convertShape(VectorOperators.B2S, SHORTS, 0)
                                                .reinterpretAsInts())
                                        .add(n.lanewise(VectorOperators.LSHR, 8)
                                                .and(PAIR)
                                                .mul(ByteVector.fromArray(HALF_BYTES, x, p + REGISTER + REGISTER / 2)
                                                        .convertShape(VectorOperators.B2S, SHORTS, 0)
                                                        .reinterpretAsInts()))
                                        .convert(VectorOperators.I2F, 0))
                                .fma(scales.rearrange(half == 0 ? VectorQ2K.GROUPS1 : VectorQ2K.GROUPS3), acc);
                    }
                }
                acc.intoArray(lanes, row * COUNT);
            }
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int quarter = 0; quarter < elements / 64; quarter++) {
            int at = outOffset + quarter / 4 * ELEMENTS + quarter / 2 % 2 * 128 + quarter % 2 * GROUP;
            expandGroups(w, offset + (long) (quarter / 4) * BLOCK, quarter / 2 % 2, quarter % 2, out, at);
        }
    }

    /// The four groups of a half block whose quants share 16 bytes.
    private static void expandGroups(MemorySegment w, long block, int half, int part, float[] out, int at) {
        long low = block + Q3K.QUANTS + 32L * half + (long) GROUP * part;
        long high = block + Q3K.HIGH_BITS + (long) GROUP * part;
        int first = 8 * half + part;
        float scale = Float.float16ToFloat(w.get(HALF, block + Q3K.SCALE));
        FloatVector scale0 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first));
        FloatVector scale1 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first + 2));
        FloatVector scale2 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first + 4));
        FloatVector scale3 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first + 6));
        for (int i = 0; i < GROUP; i += COUNT) {
            IntVector q = Lanes.bytes(w, low + i);
            IntVector third = Lanes.bytes(w, high + i).lanewise(VectorOperators.LSHR, 4 * half);
            ((FloatVector) q.and(3)
                            .or(third.lanewise(VectorOperators.LSHL, 2).and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale0)
                    .intoArray(out, at + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 2)
                            .and(3)
                            .or(third.lanewise(VectorOperators.LSHL, 1).and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale1)
                    .intoArray(out, at + 32 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 4)
                            .and(3)
                            .or(third.and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale2)
                    .intoArray(out, at + 64 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 6)
                            .and(3)
                            .or(third.lanewise(VectorOperators.LSHR, 1).and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale3)
                    .intoArray(out, at + 96 + i);
        }
    }
}
