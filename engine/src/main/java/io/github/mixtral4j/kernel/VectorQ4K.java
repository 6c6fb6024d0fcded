package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Q4_K in registers. One row of activations is quantized to 8 bits and packed in pairs ([QuantizedRow]), so that one
/// product of 32-bit lanes multiplies and adds two nibbles; the sum of four products is at most 4 · 15 · 127. Many rows
/// use the exact floats.
///
/// A 16-bit lane holds nibbles of two neighbouring bytes: `n0` and `n2` belong to a sub-block of 32, `n1` and `n3` to
/// the next one. The activations are permuted to that order ([#ORDER]). Per sub-block the integer sum is multiplied
/// with the scales of weights and activations; the minimums meet the sums of the same quantized activations:
///
///     Σ (d·s·n − dmin·m)·x ≈ Σ d·s·dx·Σ n·q − Σ dmin·m·dx·Σ q
///
/// Where scales and minimums of a block fill one register, one product with the 16 sums of the activations gives the
/// factors of the integer sums and the corrections.
final class VectorQ4K implements VectorFormat {
    static final VectorQ4K FORMAT = new VectorQ4K();

    private static final int ELEMENTS = DType.Q4_K.blockElements();
    private static final int BYTES = DType.Q4_K.blockBytes();
    private static final int HALF = ELEMENTS / 2;
    private static final int QUANTS = 16;
    private static final int SUB = 32;
    private static final int SUMS = 16;
    /// Bytes of quants in a register.
    private static final int REGISTER = Lanes.BITS / 8;
    /// The nibbles in the lowest bits of 16-bit lanes.
    private static final IntVector NIBBLES = IntVector.broadcast(Lanes.INTS, 0x000f000f);

    /// For each register of quants the activations of nibble 0 of every 16-bit lane, then of nibbles 1, 2 and 3. Nibble
    /// `j` of the lane at byte `i` of the quants is element `64·(i / 32) + 32·(j mod 2) + i mod 32 + j / 2`.
    static final int[] ORDER = QuantizedRow.order(ELEMENTS, place -> {
        int j = place % (2 * REGISTER) / (REGISTER / 2);
        int i = place / (2 * REGISTER) * REGISTER + place % (REGISTER / 2) * 2;
        return 64 * (i / 32) + 32 * (j % 2) + i % 32 + j / 2;
    });

    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LE);

    // For registers of 16 floats: scales in lanes 0 to 7, minimums in lanes 8 to 15; and for each half of the
    // quants the scales of its low and of its high nibbles, eight lanes each.
    private static final VectorSpecies<Float> F16 = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I16 = IntVector.SPECIES_512;
    private static final VectorSpecies<Short> S32 = ShortVector.SPECIES_512;
    private static final VectorSpecies<Byte> B32 = ByteVector.SPECIES_256;
    static final VectorSpecies<Long> L2 = LongVector.SPECIES_128;
    static final VectorMask<Float> MINIMUMS = VectorMask.fromLong(F16, 0xff00);
    static final VectorShuffle<Float> SUB02 = spread(0, 2);
    static final VectorShuffle<Float> SUB13 = spread(1, 3);
    static final VectorShuffle<Float> SUB46 = spread(4, 6);
    static final VectorShuffle<Float> SUB57 = spread(5, 7);

    // Narrower registers: shorts that fill one, and the bytes that widen to them.
    private static final VectorSpecies<Short> SHORTS =
            VectorShape.forBitSize(Lanes.BITS).withLanes(short.class);
    private static final VectorSpecies<Byte> HALF_BYTES =
            VectorShape.forBitSize(Lanes.BITS / 2).withLanes(byte.class);

    private VectorQ4K() {}

    private static VectorShuffle<Float> spread(int lower, int upper) {
        return VectorShuffle.fromOp(F16, i -> i < 8 ? lower : upper);
    }

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.preparePairs(x, row, ORDER, SUB, 1, out);
    }

    @Override
    public void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
        int blocks = k / ELEMENTS;
        if (COUNT == 16) {
            dots512(weights, offset, stride, rows, blocks, x.bytes(k), x.sums(k / SUB * 2), scratch);
        } else {
            dotsNarrow(weights, offset, stride, rows, blocks, x.bytes(k), x.sums(k / SUB * 2), scratch);
        }
    }

    /// The 8 scales of 6 bits, a byte each, from the first 16 bytes of a block: d, dmin and words `u0 u1 u2`.
    /// Scales 0 to 3 are `u0 & 63`, scales 4 to 7 `u2 & 15 | u0 >> 6 << 4`, byte by byte.
    static long factors(long head, long tail) {
        return head >>> 32 & 0x3f3f3f3fL | tail & 0x0f0f0f0f00000000L | head >>> 2 & 0x3030303000000000L;
    }

    /// The 8 minimums of 6 bits: 0 to 3 are `u1 & 63`, 4 to 7 `u2 >> 4 | u1 >> 6 << 4`.
    static long minimums(long tail) {
        return tail & 0x3f3f3f3fL | tail >>> 4 & 0x0f0f0f0f00000000L | tail << 30 & 0x3030303000000000L;
    }

    /// C2 inlines less and less as a method grows past 18 000 nodes of its graph, and an operation that is not
    /// inlined makes objects of its operands: four times slower, in one run of two. A vector operation takes some
    /// 400 nodes. So the body of the loop over halves stands here once (C2 unrolls it, but later), the scales are
    /// scalar work, constants are registers already, and no vector but the sums is carried from step to step.
    private static void dots512(
            MemorySegment w, long offset, long stride, int rows, int blocks, byte[] x, float[] sums, float[] lanes) {
        for (int block = 0; block < blocks; block++) {
            for (int row = 0; row < rows; row++) {
                long o = offset + row * stride + (long) block * BYTES;
                long head = w.get(LONG, o);
                long tail = w.get(LONG, o + 8);
                FloatVector scales = (FloatVector) LongVector.zero(L2)
                        .withLane(0, factors(head, tail))
                        .withLane(1, minimums(tail))
                        .reinterpretAsBytes()
                        .convertShape(VectorOperators.B2I, I16, 0)
                        .convert(VectorOperators.I2F, 0);
                scales = scales.mul(FloatVector.broadcast(F16, Float.float16ToFloat((short) head))
                                .blend(Float.float16ToFloat((short) (head >>> 16)), MINIMUMS))
                        .mul(FloatVector.fromArray(F16, sums, block * SUMS));
                FloatVector acc = FloatVector.fromArray(F16, lanes, row * COUNT).add(scales, MINIMUMS);

                for (int half = 0; half < 2; half++) {
                    int p = block * ELEMENTS + half * HALF;
                    IntVector q = IntVector.fromMemorySegment(I16, w, o + QUANTS + half * 64L, LE);
                    acc = ((FloatVector) q.and(NIBBLES)
                                    .mul(ByteVector.fromArray(B32, x, p)
                                            .convertShape(VectorOperators.B2S, S32, 0)
                                            .reinterpretAsInts())
                                    .add(q.lanewise(VectorOperators.LSHR, 8)
                                            .and(NIBBLES)
                                            .mul(ByteVector.fromArray(B32, x, p + 64)
                                                    .convertShape(VectorOperators.B2S, S32, 0)
                                                    .reinterpretAsInts()))
                                    .convert(VectorOperators.I2F, 0))
                            .fma(scales.rearrange(half == 0 ? SUB02 : SUB46), acc);
                    acc = ((FloatVector) q.lanewise(VectorOperators.LSHR, 4)
                                    .and(NIBBLES)
                                    .mul(ByteVector.fromArray(B32, x, p + 32)
                                            .convertShape(VectorOperators.B2S, S32, 0)
                                            .reinterpretAsInts())
                                    .add(q.lanewise(VectorOperators.LSHR, 12)
                                            .and(NIBBLES)
                                            .mul(ByteVector.fromArray(B32, x, p + 96)
                                                    .convertShape(VectorOperators.B2S, S32, 0)
                                                    .reinterpretAsInts()))
                                    .convert(VectorOperators.I2F, 0))
                            .fma(scales.rearrange(half == 0 ? SUB13 : SUB57), acc);
                }
                acc.intoArray(lanes, row * COUNT);
            }
        }
    }

    /// Registers of 4 or 8 floats: a register of quants lies within one group of 64, so its scales are scalars.
    private static void dotsNarrow(
            MemorySegment w, long offset, long stride, int rows, int blocks, byte[] x, float[] sums, float[] scratch) {
        for (int block = 0; block < blocks; block++) {
            for (int row = 0; row < rows; row++) {
                long o = offset + row * stride + (long) block * BYTES;
                scales(w, o, scratch, WORK);
                float minimums = 0;
                for (int s = 0; s < 8; s++) {
                    scratch[WORK + s] *= sums[block * SUMS + s];
                    minimums += scratch[WORK + 8 + s] * sums[block * SUMS + 8 + s];
                }
                scratch[row * COUNT] += minimums;
                FloatVector acc = FloatVector.fromArray(FLOATS, scratch, row * COUNT);
                for (int c = 0; c < ELEMENTS / 2 / REGISTER; c++) {
                    int p = block * ELEMENTS + c * 2 * REGISTER;
                    ShortVector q = ShortVector.fromMemorySegment(SHORTS, w, o + QUANTS + (long) c * REGISTER, LE);
                    IntVector low = q.reinterpretAsInts()
                            .and(NIBBLES)
                            .mul(ByteVector.fromArray(HALF_BYTES, x, p)
                                    .convertShape(VectorOperators.B2S, SHORTS, 0)
                                    .reinterpretAsInts())
                            .add(q.lanewise(VectorOperators.LSHR, 8)
                                    .reinterpretAsInts()
                                    .and(NIBBLES)
                                    .mul(ByteVector.fromArray(HALF_BYTES, x, p + REGISTER)
                                            .convertShape(VectorOperators.B2S, SHORTS, 0)
                                            .reinterpretAsInts()));
                    IntVector high = q.lanewise(VectorOperators.LSHR, 4)
                            .reinterpretAsInts()
                            .and(NIBBLES)
                            .mul(ByteVector.fromArray(HALF_BYTES, x, p + REGISTER / 2)
                                    .convertShape(VectorOperators.B2S, SHORTS, 0)
                                    .reinterpretAsInts())
                            .add(q.lanewise(VectorOperators.LSHR, 12)
                                    .reinterpretAsInts()
                                    .mul(ByteVector.fromArray(HALF_BYTES, x, p + 3 * REGISTER / 2)
                                            .convertShape(VectorOperators.B2S, SHORTS, 0)
                                            .reinterpretAsInts()));
                    int group = c * REGISTER / SUB;
                    acc = ((FloatVector) low.convert(VectorOperators.I2F, 0))
                            .fma(FloatVector.broadcast(FLOATS, scratch[WORK + 2 * group]), acc);
                    acc = ((FloatVector) high.convert(VectorOperators.I2F, 0))
                            .fma(FloatVector.broadcast(FLOATS, scratch[WORK + 2 * group + 1]), acc);
                }
                acc.intoArray(scratch, row * COUNT);
            }
        }
    }

    /// The 8 scales times d, then the 8 minimums times dmin.
    static void scales(MemorySegment w, long o, float[] out, int at) {
        long head = w.get(LONG, o);
        long tail = w.get(LONG, o + 8);
        spread(factors(head, tail), Float.float16ToFloat((short) head), out, at);
        spread(minimums(tail), Float.float16ToFloat((short) (head >>> 16)), out, at + 8);
    }

    private static void spread(long bytes, float factor, float[] out, int at) {
        for (int i = 0; i < 8; i++) {
            out[at + i] = factor * (bytes >>> 8 * i & 255);
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BYTES;
            int at = outOffset + block * ELEMENTS;
            // The scales stand where the block's last group will overwrite them after it has read its own.
            int scales = at + ELEMENTS - 16;
            scales(w, o, out, scales);
            for (int group = 0; group < 4; group++) {
                expandGroup(w, o + QUANTS + 32L * group, scales + 2 * group, out, at + 64 * group);
            }
        }
    }

    private static void expandGroup(MemorySegment w, long o, int scales, float[] out, int at) {
        FloatVector scale0 = FloatVector.broadcast(FLOATS, out[scales]);
        FloatVector scale1 = FloatVector.broadcast(FLOATS, out[scales + 1]);
        FloatVector min0 = FloatVector.broadcast(FLOATS, -out[scales + 8]);
        FloatVector min1 = FloatVector.broadcast(FLOATS, -out[scales + 9]);
        for (int i = 0; i < 32; i += COUNT) {
            IntVector q = Lanes.bytes(w, o + i);
            ((FloatVector) q.and(15).convert(VectorOperators.I2F, 0))
                    .fma(scale0, min0)
                    .intoArray(out, at + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 4).and(15).convert(VectorOperators.I2F, 0))
                    .fma(scale1, min1)
                    .intoArray(out, at + 32 + i);
        }
    }
}
