package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Q6_K: 256 elements in 210 bytes (6.5625 bits each), in 16 groups of 16 elements:
/// `element = (scale * groupScale) * (quant - 32)`.
///
/// | bytes | field |
/// |---|---|
/// | 0–127 | lower bits: element `128 a + c` in the low, `128 a + 64 + c` in the high half of byte `64 a + c` |
/// | 128–191 | upper two bits: element `128 a + 32 b + c` in bits `2 b` and `2 b + 1` of byte `32 a + c` |
/// | 192–207 | group scales, signed bytes |
/// | 208–209 | scale, float16 |
public final class Q6K implements BlockCodec {
    /// Offset of the lower four bits in a block.
    public static final int QUANTS = 0;
    /// Offset of the upper two bits in a block.
    public static final int HIGH_BITS = 128;
    /// Offset of the group scales in a block.
    public static final int GROUP_SCALES = 192;
    /// Offset of the block's scale.
    public static final int SCALE = 208;

    static final Q6K CODEC = new Q6K();

    private Q6K() {}

    @Override
    public DType dtype() {
        return DType.Q6_K;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset + SCALE);
        for (int g = 0; g < 16; g++) {
            float step = scale * (byte) Blocks.getByte(src, srcOffset + GROUP_SCALES + g);
            for (int i = 16 * g; i < 16 * g + 16; i++) {
                int low = Blocks.getBits(src, srcOffset + QUANTS + 64L * (i / 128) + i % 64, i % 128 / 64 * 4, 4);
                int high = Blocks.getTwoBits(src, srcOffset + HIGH_BITS, i);
                dst[dstOffset + i] = step * (low + 16 * high - 32);
            }
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        byte[] quants = new byte[256];
        float[] x = Arrays.copyOfRange(src, srcOffset, srcOffset + 256);
        float[] scales = new float[16];
        for (int g = 0; g < 16; g++) {
            scales[g] = SymmetricFit.scan(x, 16 * g, 32, quants);
        }
        float extreme = Blocks.extreme(scales, 0, 16);
        if (Math.abs(extreme) < SymmetricFit.ZERO) {
            dst.asSlice(dstOffset, DType.Q6_K.blockBytes()).fill((byte) 0);
            return;
        }
        float inverse = -128 / extreme;
        Blocks.putHalf(dst, dstOffset + SCALE, 1 / inverse);
        float stored = Blocks.getHalf(dst, dstOffset + SCALE);
        for (int g = 0; g < 16; g++) {
            int groupScale = Blocks.round(inverse * scales[g], -128, 127);
            Blocks.putByte(dst, dstOffset + GROUP_SCALES + g, groupScale);
            SymmetricFit.requantize(x, 16 * g, stored * groupScale, 32, quants);
        }
        for (int k = 0; k < 128; k++) {
            int low = k / 64 * 128 + k % 64;
            Blocks.putByte(dst, dstOffset + QUANTS + k, Blocks.nibbles(quants[low], quants[low + 64]));
        }
        byte[] upper = new byte[256];
        for (int i = 0; i < 256; i++) {
            upper[i] = (byte) (quants[i] >> 4);
        }
        Blocks.putTwoBits(dst, dstOffset + HIGH_BITS, upper);
    }
}
