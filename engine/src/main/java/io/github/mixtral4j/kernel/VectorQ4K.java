package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Q4_K in registers, without unpacking bytes and without converting integers to floats.
///
/// A register of 32-bit lanes holds 8 nibbles a lane. A nibble `n` that is moved to the top of a float's mantissa under
/// the exponent of 1 reads as `1 + n / 16`; four bits lower, as `1 + n / 256`. So one shift serves two nibbles, and
/// each costs an AND-OR and a multiply-add. The ones are taken out again by the sums of the activations, which the
/// format's minimums need anyway:
///
///     Σ (d·s·n − dmin·m)·x = 16·Σ d·s·(1 + n/16)·x − Σ (16·d·s + dmin·m)·x
///
/// with the sums over the 32 elements of a sub-block; odd sub-blocks have 256 for 16.
///
/// The activations are permuted to the order in which nibbles come out: per block of 256 and register `c` of
/// quants, for nibble `j` the elements that lane `l` holds, `64·g + 32·(j mod 2) + 4·(i mod 8) + j / 2` with `i =
/// c·lanes + l` and `g = i / 8`. Behind all blocks stand, per block, the 8 sums of its sub-blocks times -16 or
/// -256, and the 8 sums times -1.
final class VectorQ4K implements VectorFormat {
    static final VectorQ4K FORMAT = new VectorQ4K();

    private static final int ELEMENTS = DType.Q4_K.blockElements();
    private static final int BYTES = DType.Q4_K.blockBytes();
    private static final int QUANTS = 16;
    private static final int SUMS = 16;
    /// Where a nibble lands, under the exponent of 1.
    private static final int EVEN = 0x00780000;
    private static final int ODD = EVEN >>> 4;
    private static final int ONE = 0x3f800000;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final VectorSpecies<Integer> WORDS = IntVector.SPECIES_128;

    // The 12 scale bytes as words u0 u1 u2: scales are [u0 & 63, (u2 & 15) | (u0 >> 6) << 4], minimums
    // [u1 & 63, (u2 >> 4) | (u1 >> 6) << 4], four bytes each. (u >> 6) << 4 is (u >> 2) & 0x30.
    private static final VectorShuffle<Integer> LOW_WORDS = VectorShuffle.fromValues(WORDS, 0, 0, 1, 1);
    private static final VectorShuffle<Integer> HIGH_WORDS = VectorShuffle.fromValues(WORDS, 2, 2, 2, 2);
    private static final IntVector LOW_SHIFT = words(0, 2, 0, 2);
    private static final IntVector LOW_MASK = words(0x3f3f3f3f, 0x30303030, 0x3f3f3f3f, 0x30303030);
    private static final IntVector HIGH_SHIFT = words(0, 0, 0, 4);
    private static final IntVector HIGH_MASK = words(0, 0x0f0f0f0f, 0, 0x0f0f0f0f);

    // For registers of 16 lanes: d in lanes 0 to 7, dmin in lanes 8 to 15; and for each half of the quants the scales
    // of the sub-blocks that its lower and its upper 8 lanes belong to.
    private static final VectorSpecies<Float> F16 = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I16 = IntVector.SPECIES_512;
    private static final IntVector DELTA_SHIFT =
            IntVector.fromArray(I16, new int[] {16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0}, 0);
    private static final VectorShuffle<Float> SUB02 = VectorShuffle.fromOp(F16, i -> i < 8 ? 0 : 2);
    private static final VectorShuffle<Float> SUB13 = VectorShuffle.fromOp(F16, i -> i < 8 ? 1 : 3);
    private static final VectorShuffle<Float> SUB46 = VectorShuffle.fromOp(F16, i -> i < 8 ? 4 : 6);
    private static final VectorShuffle<Float> SUB57 = VectorShuffle.fromOp(F16, i -> i < 8 ? 5 : 7);

    private VectorQ4K() {}

    private static IntVector words(int a, int b, int c, int d) {
        return IntVector.fromArray(WORDS, new int[] {a, b, c, d}, 0);
    }

    @Override
    public int preparedFloats(int k) {
        return k + k / ELEMENTS * SUMS;
    }

    @Override
    public void prepare(Rows x, int row, MemorySegment prepared, long preparedOffset) {
        MemorySegment data = x.data();
        int k = x.cols();
        for (int block = 0; block < k / ELEMENTS; block++) {
            long in = x.offset(row) + (long) block * ELEMENTS * Float.BYTES;
            long out = preparedOffset + (long) block * ELEMENTS * Float.BYTES;
            for (int c = 0; c < 32 / COUNT; c++) {
                for (int j = 0; j < 8; j++) {
                    for (int l = 0; l < COUNT; l++) {
                        int i = c * COUNT + l;
                        int e = 64 * (i / 8) + 32 * (j % 2) + 4 * (i % 8) + j / 2;
                        long to = out + (long) ((c * 8 + j) * COUNT + l) * Float.BYTES;
                        prepared.set(Rows.FLOAT, to, data.get(Rows.FLOAT, in + (long) e * Float.BYTES));
                    }
                }
            }
            long sums = preparedOffset + ((long) k + (long) block * SUMS) * Float.BYTES;
            for (int s = 0; s < 8; s++) {
                float sum = 0;
                for (int e = 32 * s; e < 32 * s + 32; e++) {
                    sum += data.get(Rows.FLOAT, in + (long) e * Float.BYTES);
                }
                prepared.set(Rows.FLOAT, sums + (long) s * Float.BYTES, (s % 2 == 0 ? -16 : -256) * sum);
                prepared.set(Rows.FLOAT, sums + (long) (8 + s) * Float.BYTES, -sum);
            }
        }
    }

    @Override
    public float dot(
            MemorySegment weights, long offset, int k, MemorySegment prepared, long preparedOffset, float[] scratch) {
        long sums = preparedOffset + (long) k * Float.BYTES;
        return COUNT == 16
                ? dot512(weights, offset, k / ELEMENTS, prepared, preparedOffset, sums)
                : dotNarrow(weights, offset, k / ELEMENTS, prepared, preparedOffset, sums, scratch);
    }

    private static float dot512(
            MemorySegment w, long offset, int blocks, MemorySegment x, long xOffset, long sumsOffset) {
        FloatVector even = FloatVector.zero(F16);
        FloatVector odd = even;
        FloatVector correction = even;
        for (int block = 0; block < blocks; block++) {
            long o = offset + (long) block * BYTES;
            IntVector u = IntVector.fromMemorySegment(WORDS, w, o + 4, LE);
            FloatVector scales = (FloatVector) u.rearrange(LOW_WORDS)
                    .lanewise(VectorOperators.LSHR, LOW_SHIFT)
                    .and(LOW_MASK)
                    .or(u.rearrange(HIGH_WORDS)
                            .lanewise(VectorOperators.LSHR, HIGH_SHIFT)
                            .and(HIGH_MASK))
                    .reinterpretAsBytes()
                    .convertShape(VectorOperators.B2I, I16, 0)
                    .convert(VectorOperators.I2F, 0);
            scales = scales.mul(IntVector.broadcast(I16, w.get(INT, o))
                    .lanewise(VectorOperators.LSHL, DELTA_SHIFT)
                    .lanewise(VectorOperators.ASHR, 3)
                    .and(0x8fffe000)
                    .reinterpretAsFloats()
                    .mul(0x1p112f));
            correction = scales.fma(
                    FloatVector.fromMemorySegment(F16, x, sumsOffset + (long) block * 64, NATIVE), correction);

            long p = xOffset + (long) block * 1024;
            IntVector q = IntVector.fromMemorySegment(I16, w, o + QUANTS, LE);
            IntVector t = q.lanewise(VectorOperators.LSHL, 19);
            FloatVector a =
                    t.and(EVEN).or(ONE).reinterpretAsFloats().mul(FloatVector.fromMemorySegment(F16, x, p, NATIVE));
            t = q.lanewise(VectorOperators.LSHL, 11);
            FloatVector b =
                    t.and(ODD).or(ONE).reinterpretAsFloats().mul(FloatVector.fromMemorySegment(F16, x, p + 64, NATIVE));
            a = t.and(EVEN)
                    .or(ONE)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(F16, x, p + 128, NATIVE), a);
            t = q.lanewise(VectorOperators.LSHL, 3);
            b = t.and(ODD).or(ONE).reinterpretAsFloats().fma(FloatVector.fromMemorySegment(F16, x, p + 192, NATIVE), b);
            a = t.and(EVEN)
                    .or(ONE)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(F16, x, p + 256, NATIVE), a);
            t = q.lanewise(VectorOperators.LSHR, 5);
            b = t.and(ODD).or(ONE).reinterpretAsFloats().fma(FloatVector.fromMemorySegment(F16, x, p + 320, NATIVE), b);
            a = t.and(EVEN)
                    .or(ONE)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(F16, x, p + 384, NATIVE), a);
            t = q.lanewise(VectorOperators.LSHR, 13);
            b = t.and(ODD).or(ONE).reinterpretAsFloats().fma(FloatVector.fromMemorySegment(F16, x, p + 448, NATIVE), b);
            even = a.fma(scales.rearrange(SUB02), even);
            odd = b.fma(scales.rearrange(SUB13), odd);

            q = IntVector.fromMemorySegment(I16, w, o + QUANTS + 64, LE);
            t = q.lanewise(VectorOperators.LSHL, 19);
            a = t.and(EVEN).or(ONE).reinterpretAsFloats().mul(FloatVector.fromMemorySegment(F16, x, p + 512, NATIVE));
            t = q.lanewise(VectorOperators.LSHL, 11);
            b = t.and(ODD).or(ONE).reinterpretAsFloats().mul(FloatVector.fromMemorySegment(F16, x, p + 576, NATIVE));
            a = t.and(EVEN)
                    .or(ONE)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(F16, x, p + 640, NATIVE), a);
            t = q.lanewise(VectorOperators.LSHL, 3);
            b = t.and(ODD).or(ONE).reinterpretAsFloats().fma(FloatVector.fromMemorySegment(F16, x, p + 704, NATIVE), b);
            a = t.and(EVEN)
                    .or(ONE)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(F16, x, p + 768, NATIVE), a);
            t = q.lanewise(VectorOperators.LSHR, 5);
            b = t.and(ODD).or(ONE).reinterpretAsFloats().fma(FloatVector.fromMemorySegment(F16, x, p + 832, NATIVE), b);
            a = t.and(EVEN)
                    .or(ONE)
                    .reinterpretAsFloats()
                    .fma(FloatVector.fromMemorySegment(F16, x, p + 896, NATIVE), a);
            t = q.lanewise(VectorOperators.LSHR, 13);
            b = t.and(ODD).or(ONE).reinterpretAsFloats().fma(FloatVector.fromMemorySegment(F16, x, p + 960, NATIVE), b);
            even = a.fma(scales.rearrange(SUB46), even);
            odd = b.fma(scales.rearrange(SUB57), odd);
        }
        return even.mul(16).add(odd.mul(256)).add(correction).reduceLanes(VectorOperators.ADD);
    }

    /// Registers of 4 or 8 lanes: a register of quants lies within one group of 64, so its scales are scalars.
    private static float dotNarrow(
            MemorySegment w, long offset, int blocks, MemorySegment x, long xOffset, long sumsOffset, float[] scratch) {
        FloatVector acc0 = FloatVector.zero(FLOATS);
        FloatVector acc1 = acc0;
        float correction = 0;
        for (int block = 0; block < blocks; block++) {
            long o = offset + (long) block * BYTES;
            scales(w, o, scratch);
            for (int s = 0; s < SUMS; s++) {
                correction += scratch[s] * x.get(Rows.FLOAT, sumsOffset + (long) (block * SUMS + s) * Float.BYTES);
            }
            for (int c = 0; c < 32 / COUNT; c++) {
                IntVector q = IntVector.fromMemorySegment(INTS, w, o + QUANTS + (long) c * COUNT * 4, LE);
                long p = xOffset + (long) (block * ELEMENTS + c * 8 * COUNT) * Float.BYTES;
                FloatVector a = FloatVector.zero(FLOATS);
                FloatVector b = a;
                for (int j = 0; j < 8; j += 2) {
                    a = q.lanewise(VectorOperators.LSHR, 4 * j)
                            .and(15)
                            .lanewise(VectorOperators.LSHL, 19)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(
                                    FloatVector.fromMemorySegment(
                                            FLOATS, x, p + (long) j * COUNT * Float.BYTES, NATIVE),
                                    a);
                    b = q.lanewise(VectorOperators.LSHR, 4 * j + 4)
                            .and(15)
                            .lanewise(VectorOperators.LSHL, 15)
                            .or(ONE)
                            .reinterpretAsFloats()
                            .fma(
                                    FloatVector.fromMemorySegment(
                                            FLOATS, x, p + (long) (j + 1) * COUNT * Float.BYTES, NATIVE),
                                    b);
                }
                int group = c * COUNT / 8;
                acc0 = a.fma(FloatVector.broadcast(FLOATS, 16 * scratch[2 * group]), acc0);
                acc1 = b.fma(FloatVector.broadcast(FLOATS, 256 * scratch[2 * group + 1]), acc1);
            }
        }
        return acc0.add(acc1).reduceLanes(VectorOperators.ADD) + correction;
    }

    /// The 8 scales times d, then the 8 minimums times dmin.
    private static void scales(MemorySegment w, long o, float[] out) {
        float d = Float.float16ToFloat(w.get(HALF, o));
        float dmin = Float.float16ToFloat(w.get(HALF, o + 2));
        int u0 = w.get(INT, o + 4);
        int u1 = w.get(INT, o + 8);
        int u2 = w.get(INT, o + 12);
        spread(u0 & 0x3f3f3f3f, d, out, 0);
        spread((u2 & 0x0f0f0f0f) | (u0 >>> 2 & 0x30303030), d, out, 4);
        spread(u1 & 0x3f3f3f3f, dmin, out, 8);
        spread((u2 >>> 4 & 0x0f0f0f0f) | (u1 >>> 2 & 0x30303030), dmin, out, 12);
    }

    private static void spread(int bytes, float factor, float[] out, int at) {
        out[at] = factor * (bytes & 255);
        out[at + 1] = factor * (bytes >>> 8 & 255);
        out[at + 2] = factor * (bytes >>> 16 & 255);
        out[at + 3] = factor * (bytes >>> 24);
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        float[] scales = new float[SUMS];
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BYTES;
            scales(w, o, scales);
            for (int group = 0; group < 4; group++) {
                expandGroup(
                        w, o + QUANTS + 32L * group, scales, 2 * group, out, outOffset + block * ELEMENTS + 64 * group);
            }
        }
    }

    private static void expandGroup(MemorySegment w, long o, float[] scales, int sub, float[] out, int at) {
        FloatVector scale0 = FloatVector.broadcast(FLOATS, scales[sub]);
        FloatVector scale1 = FloatVector.broadcast(FLOATS, scales[sub + 1]);
        FloatVector min0 = FloatVector.broadcast(FLOATS, -scales[8 + sub]);
        FloatVector min1 = FloatVector.broadcast(FLOATS, -scales[9 + sub]);
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
