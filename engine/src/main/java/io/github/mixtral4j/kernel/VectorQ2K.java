package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.BYTES;
import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q2K;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Q2_K in registers of at least 256 bits. A register of quants is shifted by two bits for each 32 elements of a half
/// block. Activations are packed in pairs ([QuantizedRow]), those of the even bytes of a register before those of the
/// odd ones. The four products of a lane are at most 4 · 3 · 127, and belong to one group of 16.
final class VectorQ2K implements VectorFormat {
    static final VectorQ2K FORMAT = new VectorQ2K();

    private static final int ELEMENTS = DType.Q2_K.blockElements();
    private static final int BLOCK = DType.Q2_K.blockBytes();
    private static final int GROUP = 16;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    /// Bytes of quants in a register: those of a block or of half of one.
    static final int REGISTER = Lanes.BITS / 8;

    static final int REGISTERS = ELEMENTS / 4 / REGISTER;
    /// Scales and corrections of a block.
    static final int SUMS = 2 * ELEMENTS / GROUP;

    /// For each register and each of its four shifts the activations of the even bytes, then of the odd ones. Bits `2b`
    /// and `2b + 1` of byte `i` of the quants are element `128·(i / 32) + 32·b + i mod 32`.
    static final int[] ORDER = QuantizedRow.order(ELEMENTS, place -> {
        int shift = place / REGISTER % 4;
        int lane = place % REGISTER;
        int i = place / (4 * REGISTER) * REGISTER + lane * 2 % REGISTER + lane / (REGISTER / 2);
        return 128 * (i / 32) + 32 * shift + i % 32;
    });

    static final VectorSpecies<Short> SHORTS =
            VectorShape.forBitSize(Lanes.BITS).withLanes(short.class);
    static final VectorSpecies<Byte> HALF_BYTES =
            VectorShape.forBitSize(Lanes.BITS / 2).withLanes(byte.class);
    // For each shift the scales of its groups, four lanes each.
    static final VectorShuffle<Float> GROUPS0 = groups(0);
    static final VectorShuffle<Float> GROUPS1 = groups(2);
    static final VectorShuffle<Float> GROUPS2 = groups(4);
    static final VectorShuffle<Float> GROUPS3 = groups(6);
    private static final IntVector PAIR = IntVector.broadcast(INTS, 0x00030003);

    private VectorQ2K() {}

    private static VectorShuffle<Float> groups(int from) {
        return VectorShuffle.fromOp(FLOATS, i -> (i / 8 * 8 + from + i / 4 % 2) % COUNT);
    }

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.preparePairs(x, row, ORDER, GROUP, 1, out);
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
                FloatVector acc = FloatVector.fromArray(FLOATS, lanes, row * COUNT);
                for (int register = 0; register < REGISTERS; register++) {
                    IntVector groups =
                            (IntVector) ByteVector.fromMemorySegment(BYTES, w, o + Q2K.GROUPS + register * COUNT, LE)
                                    .convertShape(VectorOperators.B2I, INTS, 0);
                    acc = ((FloatVector) groups.lanewise(VectorOperators.LSHR, 4)
                                    .and(15)
                                    .convert(VectorOperators.I2F, 0))
                            .mul(Float.float16ToFloat(w.get(HALF, o + Q2K.MINIMUM)))
                            .fma(FloatVector.fromArray(FLOATS, sums, block * SUMS + SUMS / 2 + register * COUNT), acc);
                    FloatVector scales = ((FloatVector) groups.and(15).convert(VectorOperators.I2F, 0))
                            .mul(Float.float16ToFloat(w.get(HALF, o + Q2K.SCALE)))
                            .mul(FloatVector.fromArray(FLOATS, sums, block * SUMS + register * COUNT));
                    IntVector q = IntVector.fromMemorySegment(INTS, w, o + Q2K.QUANTS + (long) register * REGISTER, LE);
                    for (int half = 0; half < 2; half++) {
                        int p = block * ELEMENTS + (4 * register + 2 * half) * REGISTER;
                        IntVector n = q.lanewise(VectorOperators.LSHR, 4 * half);
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
                                .fma(scales.rearrange(half == 0 ? GROUPS0 : GROUPS2), acc);
                        n = n.lanewise(VectorOperators.LSHR, 2);
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
                                .fma(scales.rearrange(half == 0 ? GROUPS1 : GROUPS3), acc);
                    }
                }
                acc.intoArray(lanes, row * COUNT);
            }
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int quarter = 0; quarter < elements / 64; quarter++) {
            long o = offset + (long) (quarter / 4) * BLOCK;
            float scale = Float.float16ToFloat(w.get(HALF, o + Q2K.SCALE));
            float minimum = Float.float16ToFloat(w.get(HALF, o + Q2K.MINIMUM));
            int half = quarter / 2 % 2;
            int part = quarter % 2;
            int at = outOffset + quarter / 4 * ELEMENTS + 128 * half + GROUP * part;
            long quants = o + Q2K.QUANTS + 32L * half + GROUP * part;
            expandGroups(w, quants, o + Q2K.GROUPS + 8L * half + part, scale, minimum, out, at);
        }
    }

    /// The four groups whose quants share 16 bytes.
    private static void expandGroups(
            MemorySegment w, long quants, long groups, float scale, float minimum, float[] out, int at) {
        int g0 = w.get(ValueLayout.JAVA_BYTE, groups);
        int g1 = w.get(ValueLayout.JAVA_BYTE, groups + 2);
        int g2 = w.get(ValueLayout.JAVA_BYTE, groups + 4);
        int g3 = w.get(ValueLayout.JAVA_BYTE, groups + 6);
        FloatVector scale0 = FloatVector.broadcast(FLOATS, scale * (g0 & 15));
        FloatVector scale1 = FloatVector.broadcast(FLOATS, scale * (g1 & 15));
        FloatVector scale2 = FloatVector.broadcast(FLOATS, scale * (g2 & 15));
        FloatVector scale3 = FloatVector.broadcast(FLOATS, scale * (g3 & 15));
        FloatVector min0 = FloatVector.broadcast(FLOATS, -minimum * (g0 >> 4 & 15));
        FloatVector min1 = FloatVector.broadcast(FLOATS, -minimum * (g1 >> 4 & 15));
        FloatVector min2 = FloatVector.broadcast(FLOATS, -minimum * (g2 >> 4 & 15));
        FloatVector min3 = FloatVector.broadcast(FLOATS, -minimum * (g3 >> 4 & 15));
        for (int i = 0; i < GROUP; i += COUNT) {
            IntVector q = Lanes.bytes(w, quants + i);
            ((FloatVector) q.and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale0, min0)
                    .intoArray(out, at + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 2).and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale1, min1)
                    .intoArray(out, at + 32 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 4).and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale2, min2)
                    .intoArray(out, at + 64 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 6).and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale3, min3)
                    .intoArray(out, at + 96 + i);
        }
    }
}
