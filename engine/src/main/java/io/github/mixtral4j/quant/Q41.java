package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Q4_1: 32 elements in 20 bytes (5 bits each), `element = scale * quant + minimum`.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | scale, float16 |
/// | 2–3 | minimum, float16 |
/// | 4–19 | quants: element `j` in the low, element `j + 16` in the high four bits of byte `j` |
public final class Q41 implements BlockCodec {
    /// Offset of the minimum in a block.
    public static final int MINIMUM = 2;
    /// Offset of the quants in a block.
    public static final int QUANTS = 4;

    static final Q41 CODEC = new Q41();

    private Q41() {}

    @Override
    public DType dtype() {
        return DType.Q4_1;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset);
        float minimum = Blocks.getHalf(src, srcOffset + MINIMUM);
        for (int j = 0; j < 16; j++) {
            dst[dstOffset + j] = Blocks.getBits(src, srcOffset + QUANTS + j, 0, 4) * scale + minimum;
            dst[dstOffset + j + 16] = Blocks.getBits(src, srcOffset + QUANTS + j, 4, 4) * scale + minimum;
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        float minimum = Blocks.minimum(src, srcOffset, 32);
        float scale = (Blocks.maximum(src, srcOffset, 32) - minimum) / 15;
        float inverse = Blocks.inverse(scale);
        Blocks.putHalf(dst, dstOffset, scale);
        Blocks.putHalf(dst, dstOffset + MINIMUM, minimum);
        for (int j = 0; j < 16; j++) {
            int low = Blocks.truncate((src[srcOffset + j] - minimum) * inverse + 0.5f, 15);
            int high = Blocks.truncate((src[srcOffset + j + 16] - minimum) * inverse + 0.5f, 15);
            Blocks.putByte(dst, dstOffset + QUANTS + j, Blocks.nibbles(low, high));
        }
    }
}
