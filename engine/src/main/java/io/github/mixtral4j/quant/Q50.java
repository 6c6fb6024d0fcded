package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Q5_0: 32 elements in 22 bytes (5.5 bits each), `element = scale * (quant - 16)`.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | scale, float16 |
/// | 2–5 | fifth bits: bit `j` belongs to element `j` |
/// | 6–21 | lower four bits: element `j` in the low, element `j + 16` in the high half of byte `j` |
///
/// As in [Q40], the element of the greatest magnitude becomes quant 0.
public final class Q50 implements BlockCodec {
    /// Offset of the fifth bits in a block.
    public static final int HIGH_BITS = 2;
    /// Offset of the lower four bits in a block.
    public static final int QUANTS = 6;

    static final Q50 CODEC = new Q50();

    private Q50() {}

    @Override
    public DType dtype() {
        return DType.Q5_0;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset);
        int[] quants = Blocks.getFiveBits(src, srcOffset + HIGH_BITS, srcOffset + QUANTS);
        for (int j = 0; j < 32; j++) {
            dst[dstOffset + j] = (quants[j] - 16) * scale;
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        float scale = Blocks.extreme(src, srcOffset, 32) / -16;
        float inverse = Blocks.inverse(scale);
        Blocks.putHalf(dst, dstOffset, scale);
        int[] quants = new int[32];
        for (int j = 0; j < 32; j++) {
            quants[j] = Blocks.truncate(src[srcOffset + j] * inverse + 16.5f, 31);
        }
        Blocks.putFiveBits(dst, dstOffset + HIGH_BITS, dstOffset + QUANTS, quants);
    }
}
