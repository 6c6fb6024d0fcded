package io.github.mixtral4j.quant;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;

/// IEEE 754 binary16: 5 exponent bits, 10 of mantissa, subnormals down to 2^-24. Encoding rounds ties to even;
/// magnitudes from 65520 on become infinite, NaN stays NaN.
///
/// | bytes | field |
/// |---|---|
/// | 0–1 | the number |
public final class F16 implements BlockCodec {
    static final F16 CODEC = new F16();

    private F16() {}

    @Override
    public DType dtype() {
        return DType.F16;
    }

    @Override
    public void decodeBlock(MemorySegment src, long srcOffset, float[] dst, int dstOffset) {
        dst[dstOffset] = Blocks.getHalf(src, srcOffset);
    }

    @Override
    public void encodeBlock(float[] src, int srcOffset, MemorySegment dst, long dstOffset) {
        Blocks.putShort(dst, dstOffset, Float.floatToFloat16(src[srcOffset]));
    }
}
