package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Q3_K: 256 elements in 110 bytes (3.4375 bits each), in 16 groups of 16 elements:
/// `element = (scale * (groupScale - 32)) * (quant - 4)`.
///
/// | bytes | field |
/// |---|---|
/// | 0–31 | third bits of the quants: element `32 k + c` in bit `k` of byte `c` |
/// | 32–95 | lower two bits: element `128 a + 32 b + c` in bits `2 b` and `2 b + 1` of byte `32 a + c` |
/// | 96–103 | lower four bits of the group scales: group `g` in the low, `g + 8` in the high half of byte `g` |
/// | 104–107 | upper two bits: group `4 k + c` in bits `2 k` and `2 k + 1` of byte `c` |
/// | 108–109 | scale, float16 |
public final class Q3K implements BlockCodec {
    /// Offset of the third bits in a block.
    public static final int HIGH_BITS = 0;
    /// Offset of the lower two bits in a block.
    public static final int QUANTS = 32;
    /// Offset of the packed group scales in a block.
    public static final int GROUP_SCALES = 96;
    /// Offset of the block's scale.
    public static final int SCALE = 108;

    static final Q3K CODEC = new Q3K();

    private Q3K() {}

    @Override
    public DType dtype() {
        return DType.Q3_K;
    }

    /// Signed scale of group `g` (0–15), -32–31.
    ///
    /// @param blockOffset where the block starts
    public static int groupScale(MemorySegment block, long blockOffset, int g) {
        long start = blockOffset + GROUP_SCALES;
        int low = Blocks.getBits(block, start + g % 8, g / 8 * 4, 4);
        int high = Blocks.getBits(block, start + 8 + g % 4, g / 4 * 2, 2);
        return low + 16 * high - 32;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset + SCALE);
        for (int g = 0; g < 16; g++) {
            float step = scale * groupScale(src, srcOffset, g);
            for (int i = 16 * g; i < 16 * g + 16; i++) {
                int low = Blocks.getTwoBits(src, srcOffset + QUANTS, i);
                int high = Blocks.getPlaneBit(src, srcOffset + HIGH_BITS, i);
                dst[dstOffset + i] = step * (low + 4 * high - 4);
            }
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        byte[] quants = new byte[256];
        float[] x = Arrays.copyOfRange(src, srcOffset, srcOffset + 256);
        float[] scales = new float[16];
        for (int g = 0; g < 16; g++) {
            scales[g] = SymmetricFit.descend(x, 16 * g, 4, quants);
        }
        float extreme = Blocks.extreme(scales, 0, 16);
        float inverse = extreme == 0 ? 0 : -32 / extreme;
        Blocks.putHalf(dst, dstOffset + SCALE, Blocks.inverse(inverse));
        float stored = Blocks.getHalf(dst, dstOffset + SCALE);
        int[] groupScales = new int[16];
        for (int g = 0; g < 16; g++) {
            // With no scale at all the bytes stay 0, which reads as -32.
            groupScales[g] = extreme == 0 ? -32 : Blocks.round(inverse * scales[g], -32, 31);
            SymmetricFit.requantize(x, 16 * g, stored * groupScales[g], 4, quants);
        }
        putGroupScales(dst, dstOffset + GROUP_SCALES, groupScales);
        Blocks.putTwoBits(dst, dstOffset + QUANTS, quants);
        Blocks.putPlane(dst, dstOffset + HIGH_BITS, quants, 2);
    }

    private static void putGroupScales(MemorySegment dst, long offset, int[] scales) {
        for (int c = 0; c < 8; c++) {
            Blocks.putByte(dst, offset + c, Blocks.nibbles(scales[c] + 32, scales[c + 8] + 32));
        }
        for (int c = 0; c < 4; c++) {
            int high = 0;
            for (int k = 0; k < 4; k++) {
                high |= ((scales[4 * k + c] + 32) >> 4) << (2 * k);
            }
            Blocks.putByte(dst, offset + 8 + c, high);
        }
    }
}
