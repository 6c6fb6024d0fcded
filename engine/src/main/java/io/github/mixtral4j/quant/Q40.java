package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Q4_0: 32 elements in 18 bytes (4.5 bits each), `element = scale * (quant - 8)`.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | scale, float16 |
/// | 2–17 | quants: element `j` in the low, element `j + 16` in the high four bits of byte `j` |
///
/// The scale is chosen so that the element of the greatest magnitude becomes quant 0, which reaches one step
/// further than quant 15. Worked example: extreme 4.0 gives scale -0.5; 4.0 is stored as 0 and -1.3 as
/// trunc(2.6 + 8.5) = 11, which decodes to -1.5.
public final class Q40 implements BlockCodec {
    /// Offset of the quants in a block.
    public static final int QUANTS = 2;

    static final Q40 CODEC = new Q40();

    private Q40() {}

    @Override
    public DType dtype() {
        return DType.Q4_0;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset);
        for (int j = 0; j < 16; j++) {
            dst[dstOffset + j] = (Blocks.getBits(src, srcOffset + QUANTS + j, 0, 4) - 8) * scale;
            dst[dstOffset + j + 16] = (Blocks.getBits(src, srcOffset + QUANTS + j, 4, 4) - 8) * scale;
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        float scale = Blocks.extreme(src, srcOffset, 32) / -8;
        float inverse = Blocks.inverse(scale);
        Blocks.putHalf(dst, dstOffset, scale);
        for (int j = 0; j < 16; j++) {
            int low = Blocks.truncate(src[srcOffset + j] * inverse + 8.5f, 15);
            int high = Blocks.truncate(src[srcOffset + j + 16] * inverse + 8.5f, 15);
            Blocks.putByte(dst, dstOffset + QUANTS + j, Blocks.nibbles(low, high));
        }
    }
}
