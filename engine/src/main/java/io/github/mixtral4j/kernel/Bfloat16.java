package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;
import static io.github.mixtral4j.kernel.Lanes.SHORTS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Floats rounded to bfloat16, to nearest, ties to even. A NaN stays one if it is the machine's own, whose payload is
/// empty.
final class Bfloat16 {
    private Bfloat16() {}

    /// One float.
    static short round(float value) {
        int bits = Float.floatToIntBits(value);
        return (short) ((bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16);
    }

    /// `count` floats of a segment to 2 bytes each.
    static void round(MemorySegment from, long at, int count, MemorySegment to, long toAt) {
        int i = 0;
        for (; i <= count - COUNT; i += COUNT) {
            IntVector bits = IntVector.fromMemorySegment(INTS, from, at + i * 4L, NATIVE);
            ((ShortVector) bits.add(bits.lanewise(VectorOperators.LSHR, 16).and(1))
                            .add(0x7FFF)
                            .lanewise(VectorOperators.LSHR, 16)
                            .convertShape(VectorOperators.I2S, SHORTS, 0))
                    .intoMemorySegment(to, toAt + i * 2L, LE);
        }
        for (; i < count; i++) {
            float value = from.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + i * 4L);
            to.set(ValueLayout.JAVA_SHORT_UNALIGNED, toAt + i * 2L, round(value));
        }
    }
}
