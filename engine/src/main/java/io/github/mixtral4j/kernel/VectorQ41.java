package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q41;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Q4_1 in registers.
final class VectorQ41 {
    private static final int ELEMENTS = DType.Q4_1.blockElements();
    private static final int BLOCK = DType.Q4_1.blockBytes();
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    private VectorQ41() {}

    /// See [VectorFormat#expand].
    static void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int block = 0; block < elements / ELEMENTS; block++) {
            long o = offset + (long) block * BLOCK;
            int at = outOffset + block * ELEMENTS;
            FloatVector scale = FloatVector.broadcast(FLOATS, Float.float16ToFloat(w.get(HALF, o)));
            FloatVector minimum = FloatVector.broadcast(FLOATS, Float.float16ToFloat(w.get(HALF, o + Q41.MINIMUM)));
            for (int i = 0; i < ELEMENTS / 2; i += COUNT) {
                IntVector q = Lanes.bytes(w, o + Q41.QUANTS + i);
                ((FloatVector) q.and(15).convert(VectorOperators.I2F, 0))
                        .fma(scale, minimum)
                        .intoArray(out, at + i);
                ((FloatVector) q.lanewise(VectorOperators.LSHR, 4).and(15).convert(VectorOperators.I2F, 0))
                        .fma(scale, minimum)
                        .intoArray(out, at + ELEMENTS / 2 + i);
            }
        }
    }
}
