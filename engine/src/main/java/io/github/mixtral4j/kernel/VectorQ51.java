package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.NibbleBlocks.BLOCKS;
import static io.github.mixtral4j.kernel.NibbleBlocks.BYTES;
import static io.github.mixtral4j.kernel.NibbleBlocks.CORRECTIONS;
import static io.github.mixtral4j.kernel.NibbleBlocks.ELEMENTS;
import static io.github.mixtral4j.kernel.NibbleBlocks.EVEN;
import static io.github.mixtral4j.kernel.NibbleBlocks.FROM1;
import static io.github.mixtral4j.kernel.NibbleBlocks.FROM2;
import static io.github.mixtral4j.kernel.NibbleBlocks.FROM3;
import static io.github.mixtral4j.kernel.NibbleBlocks.HALF_BITS;
import static io.github.mixtral4j.kernel.NibbleBlocks.NIBBLES;
import static io.github.mixtral4j.kernel.NibbleBlocks.QUANTS;
import static io.github.mixtral4j.kernel.NibbleBlocks.SCALES;
import static io.github.mixtral4j.kernel.NibbleBlocks.SHORTS;
import static io.github.mixtral4j.kernel.NibbleBlocks.UNIT;

import io.github.mixtral4j.quant.Q51;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Q5_1 in registers, see [NibbleBlocks]. The fifth bits are a mask of the bytes that are 16 more; the minimums
/// meet the sums of the activations.
final class VectorQ51 implements VectorFormat {
    static final VectorQ51 FORMAT = new VectorQ51();

    private static final int BLOCK = DType.Q5_1.blockBytes();
    /// Bytes from where one block's nibbles are loaded to where the next one's are.
    private static final int STEP = BLOCK - NibbleBlocks.NIBBLE_BYTES;
    private static final Expanded FLOATS_LEFT = new Expanded(DType.Q5_1, FORMAT::expand);
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LE);

    private VectorQ51() {}

    @Override
    public void prepare(Rows x, int row, Activations out) {
        NibbleBlocks.prepare(x, row, -1, out);
    }

    @Override
    public void dots(MemorySegment weights, long offset, long stride, int rows, int k, Activations x, float[] scratch) {
        int whole = k / UNIT * UNIT;
        dots(weights, offset, stride, rows, whole / UNIT, x.bytes(k), x.sums(k / ELEMENTS * 2), scratch);
        FLOATS_LEFT.dots(weights, offset, stride, rows, whole, k, x, scratch);
    }

    private static void dots(
            MemorySegment w, long offset, long stride, int rows, int units, byte[] x, float[] sums, float[] lanes) {
        for (int unit = 0; unit < units; unit++) {
            for (int row = 0; row < rows; row++) {
                long o = offset + row * stride + (long) unit * BLOCKS * BLOCK;
                int p = unit * UNIT;
                IntVector q = IntVector.fromMemorySegment(INTS, w, o + Q51.QUANTS, LE);
                long h0 = w.get(LONG, o);
                IntVector head = IntVector.broadcast(INTS, (int) h0);
                long fifthLow = h0 >>> 32 & 0xffff;
                long fifthHigh = h0 >>> 48 & 0xffff;
                if (COUNT >= 8) {
                    q = q.blend(IntVector.fromMemorySegment(INTS, w, o + Q51.QUANTS + STEP, LE), FROM1);
                    long h1 = w.get(LONG, o + BLOCK);
                    head = head.blend((int) h1, FROM1);
                    fifthLow |= (h1 >>> 32 & 0xffff) << 16;
                    fifthHigh |= (h1 >>> 48 & 0xffff) << 16;
                }
                if (COUNT == 16) {
                    q = q.blend(IntVector.fromMemorySegment(INTS, w, o + Q51.QUANTS + 2 * STEP, LE), FROM2)
                            .blend(IntVector.fromMemorySegment(INTS, w, o + Q51.QUANTS + 3 * STEP, LE), FROM3);
                    long h2 = w.get(LONG, o + 2 * BLOCK);
                    long h3 = w.get(LONG, o + 3 * BLOCK);
                    head = head.blend((int) h2, FROM2).blend((int) h3, FROM3);
                    fifthLow |= (h2 >>> 32 & 0xffff) << 32 | (h3 >>> 32 & 0xffff) << 48;
                    fifthHigh |= (h2 >>> 48 & 0xffff) << 32 | (h3 >>> 48 & 0xffff) << 48;
                }
                IntVector low = q.and(NIBBLES)
                        .reinterpretAsBytes()
                        .add((byte) 16, VectorMask.fromLong(QUANTS, fifthLow))
                        .reinterpretAsInts();
                IntVector high = q.lanewise(VectorOperators.LSHR, 4)
                        .and(NIBBLES)
                        .reinterpretAsBytes()
                        .add((byte) 16, VectorMask.fromLong(QUANTS, fifthHigh))
                        .reinterpretAsInts();
                IntVector sum = low.and(EVEN)
                        .mul(ByteVector.fromArray(BYTES, x, p)
                                .convertShape(VectorOperators.B2S, SHORTS, 0)
                                .reinterpretAsInts())
                        .add(high.and(EVEN)
                                .mul(ByteVector.fromArray(BYTES, x, p + UNIT / 4)
                                        .convertShape(VectorOperators.B2S, SHORTS, 0)
                                        .reinterpretAsInts()))
                        .add(low.lanewise(VectorOperators.LSHR, 8)
                                .and(EVEN)
                                .mul(ByteVector.fromArray(BYTES, x, p + UNIT / 2)
                                        .convertShape(VectorOperators.B2S, SHORTS, 0)
                                        .reinterpretAsInts()))
                        .add(high.lanewise(VectorOperators.LSHR, 8)
                                .and(EVEN)
                                .mul(ByteVector.fromArray(BYTES, x, p + 3 * UNIT / 4)
                                        .convertShape(VectorOperators.B2S, SHORTS, 0)
                                        .reinterpretAsInts()));
                FloatVector factors = FloatVector.fromArray(FLOATS, sums, unit * 2 * BLOCKS);
                FloatVector acc = head.lanewise(VectorOperators.ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats()
                        .mul(0x1p110f)
                        .fma(factors.rearrange(CORRECTIONS), FloatVector.fromArray(FLOATS, lanes, row * COUNT));
                ((FloatVector) sum.convert(VectorOperators.I2F, 0))
                        .mul(factors.rearrange(SCALES))
                        .fma(
                                head.lanewise(VectorOperators.LSHL, 16)
                                        .lanewise(VectorOperators.ASHR, 3)
                                        .and(HALF_BITS)
                                        .reinterpretAsFloats()
                                        .mul(0x1p112f),
                                acc)
                        .intoArray(lanes, row * COUNT);
            }
        }
    }

    @Override
    public void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BLOCK;
            int at = outOffset + block * ELEMENTS;
            FloatVector scale = FloatVector.broadcast(FLOATS, Float.float16ToFloat(w.get(HALF, o)));
            FloatVector minimum = FloatVector.broadcast(FLOATS, Float.float16ToFloat(w.get(HALF, o + Q51.MINIMUM)));
            int fifth = w.get(INT, o + Q51.HIGH_BITS);
            for (int i = 0; i < ELEMENTS / 2; i += COUNT) {
                IntVector q = Lanes.bytes(w, o + Q51.QUANTS + i);
                ((FloatVector) q.and(15)
                                .add(16, VectorMask.fromLong(INTS, fifth >>> i))
                                .convert(VectorOperators.I2F, 0))
                        .fma(scale, minimum)
                        .intoArray(out, at + i);
                ((FloatVector) q.lanewise(VectorOperators.LSHR, 4)
                                .and(15)
                                .add(16, VectorMask.fromLong(INTS, fifth >>> ELEMENTS / 2 + i))
                                .convert(VectorOperators.I2F, 0))
                        .fma(scale, minimum)
                        .intoArray(out, at + ELEMENTS / 2 + i);
            }
        }
    }
}
