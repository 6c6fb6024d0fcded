package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Q8_0: 32 elements in 34 bytes (8.5 bits each), `element = scale * quant`.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | scale, float16 |
/// | 2–33 | quants, signed bytes in -127..127, in element order |
public final class Q80 implements BlockCodec {
    /// Offset of the quants in a block.
    public static final int QUANTS = 2;

    static final Q80 CODEC = new Q80();

    private Q80() {}

    @Override
    public DType dtype() {
        return DType.Q8_0;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        float scale = Blocks.getHalf(src, srcOffset);
        for (int j = 0; j < 32; j++) {
            dst[dstOffset + j] = (byte) Blocks.getByte(src, srcOffset + QUANTS + j) * scale;
        }
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        float scale = Math.abs(Blocks.extreme(src, srcOffset, 32)) / 127;
        float inverse = Blocks.inverse(scale);
        Blocks.putHalf(dst, dstOffset, scale);
        for (int j = 0; j < 32; j++) {
            Blocks.putByte(dst, dstOffset + QUANTS + j, roundHalfAway(src[srcOffset + j] * inverse));
        }
    }

    /// Nearest integer, ties away from zero, within a signed byte. The sum is formed in double, where it is exact:
    /// in float, 0.49999997 + 0.5 would already be 1.
    private static int roundHalfAway(float value) {
        return Math.clamp((long) (value + Math.copySign(0.5, value)), -127, 127);
    }
}
