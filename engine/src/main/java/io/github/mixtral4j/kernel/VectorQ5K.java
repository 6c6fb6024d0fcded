package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q5K;
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

/// Q5_K in registers of 512 bits: [VectorQ4K] with a fifth bit. Scales, minimums and the order of activations are the
/// same. The 32 bytes of fifth bits are doubled to a register; its upper half, which meets the next two sub-blocks, is
/// shifted by their two bits.
final class VectorQ5K implements VectorFormat {
    static final VectorQ5K FORMAT = new VectorQ5K();

    private static final int ELEMENTS = DType.Q5_K.blockElements();
    private static final int BLOCK = DType.Q5_K.blockBytes();
    private static final int SUMS = 16;
    /// The lower bytes of 16-bit lanes.
    private static final int BYTES = 0x00ff00ff;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);

    private static final VectorSpecies<Float> F16 = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I16 = IntVector.SPECIES_512;
    private static final VectorSpecies<Short> S32 = ShortVector.SPECIES_512;
    private static final VectorSpecies<Short> S16 = ShortVector.SPECIES_256;
    private static final VectorSpecies<Byte> B32 = ByteVector.SPECIES_256;
    private static final VectorShuffle<Short> DOUBLED = VectorShuffle.fromOp(S32, i -> i % 16);
    private static final ShortVector UPPER_BY_2 =
            ShortVector.zero(S32).addIndex(1).lanewise(VectorOperators.LSHR, 4).mul((short) 2);

    private VectorQ5K() {}

    @Override
    public void prepare(Rows x, int row, Activations out) {
        QuantizedRow.preparePairs(x, row, VectorQ4K.ORDER, ELEMENTS / 8, out);
    }

    @Override
    public float dot(MemorySegment weights, long offset, int k, Activations x, float[] scratch) {
        return dot(weights, offset, k / ELEMENTS, x.bytes(k), x.sums(k / ELEMENTS * SUMS), scratch);
    }

    private static float dot(MemorySegment w, long offset, int blocks, byte[] x, float[] sums, float[] lanes) {
        FloatVector even = FloatVector.zero(F16);
        FloatVector odd = even;
        FloatVector products = even;
        for (int block = 0; block < blocks; block++) {
            long o = offset + (long) block * BLOCK;
            IntVector u = IntVector.fromMemorySegment(VectorQ4K.WORDS, w, o + Q5K.GROUPS, LE);
            FloatVector scales = (FloatVector) u.rearrange(VectorQ4K.LOW_WORDS)
                    .lanewise(VectorOperators.LSHR, VectorQ4K.LOW_SHIFT)
                    .and(VectorQ4K.LOW_MASK)
                    .or(u.rearrange(VectorQ4K.HIGH_WORDS)
                            .lanewise(VectorOperators.LSHR, VectorQ4K.HIGH_SHIFT)
                            .and(VectorQ4K.HIGH_MASK))
                    .reinterpretAsBytes()
                    .convertShape(VectorOperators.B2I, I16, 0)
                    .convert(VectorOperators.I2F, 0);
            scales = scales.mul(IntVector.broadcast(I16, w.get(INT, o))
                    .lanewise(VectorOperators.LSHL, VectorQ4K.DELTA_SHIFT)
                    .lanewise(VectorOperators.ASHR, 3)
                    .and(0x8fffe000)
                    .reinterpretAsFloats()
                    .mul(0x1p112f));
            scales = scales.mul(FloatVector.fromArray(F16, sums, block * SUMS));
            products = products.add(scales);

            int p = block * ELEMENTS;
            ShortVector fifth = ShortVector.fromMemorySegment(S16, w, o + Q5K.HIGH_BITS, LE)
                    .reinterpretShape(S32, 0)
                    .reinterpretAsShorts()
                    .rearrange(DOUBLED)
                    .lanewise(VectorOperators.LSHR, UPPER_BY_2);

            ShortVector q = ShortVector.fromMemorySegment(S32, w, o + Q5K.QUANTS, LE);
            ShortVector n = q.and((short) 0x0f0f)
                    .or(fifth.lanewise(VectorOperators.LSHL, 4).and((short) 0x1010));
            IntVector pairs = n.reinterpretAsInts()
                    .and(BYTES)
                    .mul(ByteVector.fromArray(B32, x, p)
                            .convertShape(VectorOperators.B2S, S32, 0)
                            .reinterpretAsInts())
                    .add(n.lanewise(VectorOperators.LSHR, 8)
                            .reinterpretAsInts()
                            .mul(ByteVector.fromArray(B32, x, p + 64)
                                    .convertShape(VectorOperators.B2S, S32, 0)
                                    .reinterpretAsInts()));
            even = ((FloatVector) pairs.convert(VectorOperators.I2F, 0)).fma(scales.rearrange(VectorQ4K.SUB02), even);
            n = q.lanewise(VectorOperators.LSHR, 4)
                    .and((short) 0x0f0f)
                    .or(fifth.lanewise(VectorOperators.LSHL, 3).and((short) 0x1010));
            pairs = n.reinterpretAsInts()
                    .and(BYTES)
                    .mul(ByteVector.fromArray(B32, x, p + 32)
                            .convertShape(VectorOperators.B2S, S32, 0)
                            .reinterpretAsInts())
                    .add(n.lanewise(VectorOperators.LSHR, 8)
                            .reinterpretAsInts()
                            .mul(ByteVector.fromArray(B32, x, p + 96)
                                    .convertShape(VectorOperators.B2S, S32, 0)
                                    .reinterpretAsInts()));
            odd = ((FloatVector) pairs.convert(VectorOperators.I2F, 0)).fma(scales.rearrange(VectorQ4K.SUB13), odd);

            q = ShortVector.fromMemorySegment(S32, w, o + Q5K.QUANTS + 64, LE);
            n = q.and((short) 0x0f0f).or(fifth.and((short) 0x1010));
            pairs = n.reinterpretAsInts()
                    .and(BYTES)
                    .mul(ByteVector.fromArray(B32, x, p + 128)
                            .convertShape(VectorOperators.B2S, S32, 0)
                            .reinterpretAsInts())
                    .add(n.lanewise(VectorOperators.LSHR, 8)
                            .reinterpretAsInts()
                            .mul(ByteVector.fromArray(B32, x, p + 192)
                                    .convertShape(VectorOperators.B2S, S32, 0)
                                    .reinterpretAsInts()));
            even = ((FloatVector) pairs.convert(VectorOperators.I2F, 0)).fma(scales.rearrange(VectorQ4K.SUB46), even);
            n = q.lanewise(VectorOperators.LSHR, 4)
                    .and((short) 0x0f0f)
                    .or(fifth.lanewise(VectorOperators.LSHR, 1).and((short) 0x1010));
            pairs = n.reinterpretAsInts()
                    .and(BYTES)
                    .mul(ByteVector.fromArray(B32, x, p + 160)
                            .convertShape(VectorOperators.B2S, S32, 0)
                            .reinterpretAsInts())
                    .add(n.lanewise(VectorOperators.LSHR, 8)
                            .reinterpretAsInts()
                            .mul(ByteVector.fromArray(B32, x, p + 224)
                                    .convertShape(VectorOperators.B2S, S32, 0)
                                    .reinterpretAsInts()));
            odd = ((FloatVector) pairs.convert(VectorOperators.I2F, 0)).fma(scales.rearrange(VectorQ4K.SUB57), odd);
        }
        even.add(odd).mul(QuantizedRow.PAIR).sub(products, VectorQ4K.MINIMUMS).intoArray(lanes, 0);
        return Lanes.sum(lanes);
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
