package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Q5_K: 256 elements in 176 bytes (5.5 bits each), in 8 groups of 32 elements:
/// `element = (scale * groupScale) * quant - (minimum * groupMinimum)`.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | scale, float16 |
/// | 2–3 | minimum, float16 |
/// | 4–15 | group scales and minimums, six bits each, see [KScales] |
/// | 16–47 | fifth bits of the quants: element `32 k + c` in bit `k` of byte `c` |
/// | 48–175 | lower four bits: element `64 a + c` in the low, `64 a + 32 + c` in the high half of byte `32 a + c` |
public final class Q5K implements BlockCodec {
    /// Offset of the block's minimum.
    public static final int MINIMUM = 2;
    /// Offset of the packed group scales and minimums in a block.
    public static final int GROUPS = 4;
    /// Offset of the fifth bits in a block.
    public static final int HIGH_BITS = 16;
    /// Offset of the lower four bits in a block.
    public static final int QUANTS = 48;

    private static final AffineFit.Rule RULE = new AffineFit.Rule(31, 32, 63, -0.5f, 16, false);

    static final Q5K CODEC = new Q5K();

    private Q5K() {}

    @Override
    public DType dtype() {
        return DType.Q5_K;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset);
        float minimum = Blocks.getHalf(src, srcOffset + MINIMUM);
        for (int g = 0; g < 8; g++) {
            float step = scale * KScales.scale(src, srcOffset + GROUPS, g);
            float offset = minimum * KScales.minimum(src, srcOffset + GROUPS, g);
            long quants = srcOffset + QUANTS + 32L * (g / 2);
            for (int c = 0; c < 32; c++) {
                int low = Blocks.getBits(src, quants + c, g % 2 * 4, 4);
                int high = Blocks.getPlaneBit(src, srcOffset + HIGH_BITS, 32 * g + c);
                dst[dstOffset + 32 * g + c] = step * (low + 16 * high) - offset;
            }
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        AffineBlock block = AffineBlock.encode(src, srcOffset, RULE);
        Blocks.putHalf(dst, dstOffset, block.scale());
        Blocks.putHalf(dst, dstOffset + MINIMUM, block.minimum());
        KScales.put(dst, dstOffset + GROUPS, block.groupScales(), block.groupMinimums());
        byte[] quants = block.quants();
        for (int k = 0; k < 128; k++) {
            int low = k / 32 * 64 + k % 32;
            Blocks.putByte(dst, dstOffset + QUANTS + k, Blocks.nibbles(quants[low], quants[low + 32]));
        }
        Blocks.putPlane(dst, dstOffset + HIGH_BITS, quants, 4);
    }
}
