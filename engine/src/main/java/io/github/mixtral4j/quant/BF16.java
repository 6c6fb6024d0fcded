package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// The upper half of a binary32: all of its range, 7 bits of mantissa. Encoding rounds ties to even and keeps NaN.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | bits 16–31 of the binary32 |
public final class BF16 implements BlockCodec {
    static final BF16 CODEC = new BF16();

    /// Set in every quiet NaN; without it, a NaN whose payload is in the lower half would be cut to an infinity.
    private static final int QUIET = 0x40;

    private BF16() {}

    @Override
    public DType dtype() {
        return DType.BF16;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        dst[dstOffset] = Float.intBitsToFloat(Blocks.getShort(src, srcOffset) << 16);
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        int bits = Float.floatToRawIntBits(src[srcOffset]);
        int upper = bits >>> 16;
        if (Float.isNaN(src[srcOffset])) {
            upper |= QUIET;
        } else {
            // Adds just under half a unit, and the rest of it when the kept part is odd: ties go to even.
            upper = (bits + 0x7FFF + (upper & 1)) >>> 16;
        }
        Blocks.putShort(dst, dstOffset, (short) upper);
    }
}
