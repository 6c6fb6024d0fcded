package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Q2_K: 256 elements in 84 bytes (2.625 bits each), in 16 groups of 16 elements:
/// `element = (scale * groupScale) * quant - (minimum * groupMinimum)`.
///
/// | bytes | field |
/// |---|---|
/// | 0–15 | group `g` in byte `g`: scale in the low, minimum in the high four bits |
/// | 16–79 | quants, two bits each: element `128 a + 32 b + c` in bits `2 b` and `2 b + 1` of byte `32 a + c` |
/// | 80–81 | scale, float16 |
/// | 82–83 | minimum, float16 |
public final class Q2K implements BlockCodec {
    /// Offset of the group scales and minimums in a block.
    public static final int GROUPS = 0;
    /// Offset of the quants in a block.
    public static final int QUANTS = 16;
    /// Offset of the block's scale.
    public static final int SCALE = 80;
    /// Offset of the block's minimum.
    public static final int MINIMUM = 82;

    private static final AffineFit.Rule RULE = new AffineFit.Rule(3, 16, 15, -0.5f, 16, true);

    static final Q2K CODEC = new Q2K();

    private Q2K() {}

    @Override
    public DType dtype() {
        return DType.Q2_K;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset + SCALE);
        float minimum = Blocks.getHalf(src, srcOffset + MINIMUM);
        for (int g = 0; g < 16; g++) {
            float step = scale * Blocks.getBits(src, srcOffset + GROUPS + g, 0, 4);
            float offset = minimum * Blocks.getBits(src, srcOffset + GROUPS + g, 4, 4);
            for (int i = 16 * g; i < 16 * g + 16; i++) {
                dst[dstOffset + i] = step * Blocks.getTwoBits(src, srcOffset + QUANTS, i) - offset;
            }
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        AffineBlock block = AffineBlock.encode(src, srcOffset, RULE);
        for (int g = 0; g < 16; g++) {
            Blocks.putByte(
                    dst, dstOffset + GROUPS + g, Blocks.nibbles(block.groupScales()[g], block.groupMinimums()[g]));
        }
        Blocks.putTwoBits(dst, dstOffset + QUANTS, block.quants());
        Blocks.putHalf(dst, dstOffset + SCALE, block.scale());
        Blocks.putHalf(dst, dstOffset + MINIMUM, block.minimum());
    }
}
