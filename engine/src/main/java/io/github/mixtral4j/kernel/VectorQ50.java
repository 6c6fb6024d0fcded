package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.INTS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q50;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Q5_0 in registers. The fifth bits are a mask: where one is not set, the quant is 16 less.
final class VectorQ50 {
    private static final int ELEMENTS = DType.Q5_0.blockElements();
    private static final int BLOCK = DType.Q5_0.blockBytes();
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);

    private VectorQ50() {}

    /// See [VectorFormat#expand].
    static void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BLOCK;
            int at = outOffset + block * ELEMENTS;
            FloatVector scale = FloatVector.broadcast(FLOATS, Float.float16ToFloat(w.get(HALF, o)));
            int unset = ~w.get(INT, o + Q50.HIGH_BITS);
            for (int i = 0; i < ELEMENTS / 2; i += COUNT) {
                IntVector q = Lanes.bytes(w, o + Q50.QUANTS + i);
                ((FloatVector) q.and(15)
                                .sub(16, VectorMask.fromLong(INTS, unset >>> i))
                                .convert(VectorOperators.I2F, 0))
                        .mul(scale)
                        .intoArray(out, at + i);
                ((FloatVector) q.lanewise(VectorOperators.LSHR, 4)
                                .and(15)
                                .sub(16, VectorMask.fromLong(INTS, unset >>> ELEMENTS / 2 + i))
                                .convert(VectorOperators.I2F, 0))
                        .mul(scale)
                        .intoArray(out, at + ELEMENTS / 2 + i);
            }
        }
    }
}
