package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// IEEE 754 binary32, little-endian. Every bit pattern survives decoding and encoding.
///
/// | bytes | field |
/// |---|---|
/// | 0–3 | the number |
public final class F32 implements BlockCodec {
    static final F32 CODEC = new F32();

    private F32() {}

    @Override
    public DType dtype() {
        return DType.F32;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        dst[dstOffset] = Float.intBitsToFloat(Blocks.getInt(src, srcOffset));
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        Blocks.putInt(dst, dstOffset, Float.floatToRawIntBits(src[srcOffset]));
    }
}
