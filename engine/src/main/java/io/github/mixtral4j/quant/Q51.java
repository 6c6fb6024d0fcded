package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Q5_1: 32 elements in 24 bytes (6 bits each), `element = scale * quant + minimum`.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | scale, float16 |
/// | 2–3 | minimum, float16 |
/// | 4–7 | fifth bits: bit `j` belongs to element `j` |
/// | 8–23 | lower four bits: element `j` in the low, element `j + 16` in the high half of byte `j` |
public final class Q51 implements BlockCodec {
    /// Offset of the minimum in a block.
    public static final int MINIMUM = 2;
    /// Offset of the fifth bits in a block.
    public static final int HIGH_BITS = 4;
    /// Offset of the lower four bits in a block.
    public static final int QUANTS = 8;

    static final Q51 CODEC = new Q51();

    private Q51() {}

    @Override
    public DType dtype() {
        return DType.Q5_1;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset);
        float minimum = Blocks.getHalf(src, srcOffset + MINIMUM);
        int[] quants = Blocks.getFiveBits(src, srcOffset + HIGH_BITS, srcOffset + QUANTS);
        for (int j = 0; j < 32; j++) {
            dst[dstOffset + j] = quants[j] * scale + minimum;
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        float minimum = Blocks.minimum(src, srcOffset, 32);
        float scale = (Blocks.maximum(src, srcOffset, 32) - minimum) / 31;
        float inverse = Blocks.inverse(scale);
        Blocks.putHalf(dst, dstOffset, scale);
        Blocks.putHalf(dst, dstOffset + MINIMUM, minimum);
        int[] quants = new int[32];
        for (int j = 0; j < 32; j++) {
            quants[j] = Blocks.truncate((src[srcOffset + j] - minimum) * inverse + 0.5f, 31);
        }
        Blocks.putFiveBits(dst, dstOffset + HIGH_BITS, dstOffset + QUANTS, quants);
    }
}
