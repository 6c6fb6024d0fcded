package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q2K;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Q2_K in registers.
final class VectorQ2K {
    private static final int ELEMENTS = DType.Q2_K.blockElements();
    private static final int BLOCK = DType.Q2_K.blockBytes();
    private static final int GROUP = 16;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    private VectorQ2K() {}

    /// See [VectorFormat#expand].
    static void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int quarter = 0; quarter < elements / 64; quarter++) {
            long o = offset + (long) (quarter / 4) * BLOCK;
            float scale = Float.float16ToFloat(w.get(HALF, o + Q2K.SCALE));
            float minimum = Float.float16ToFloat(w.get(HALF, o + Q2K.MINIMUM));
            int half = quarter / 2 % 2;
            int part = quarter % 2;
            int at = outOffset + quarter / 4 * ELEMENTS + 128 * half + GROUP * part;
            long quants = o + Q2K.QUANTS + 32L * half + GROUP * part;
            expandGroups(w, quants, o + Q2K.GROUPS + 8L * half + part, scale, minimum, out, at);
        }
    }

    /// The four groups whose quants share 16 bytes.
    private static void expandGroups(
            MemorySegment w, long quants, long groups, float scale, float minimum, float[] out, int at) {
        int g0 = w.get(ValueLayout.JAVA_BYTE, groups);
        int g1 = w.get(ValueLayout.JAVA_BYTE, groups + 2);
        int g2 = w.get(ValueLayout.JAVA_BYTE, groups + 4);
        int g3 = w.get(ValueLayout.JAVA_BYTE, groups + 6);
        FloatVector scale0 = FloatVector.broadcast(FLOATS, scale * (g0 & 15));
        FloatVector scale1 = FloatVector.broadcast(FLOATS, scale * (g1 & 15));
        FloatVector scale2 = FloatVector.broadcast(FLOATS, scale * (g2 & 15));
        FloatVector scale3 = FloatVector.broadcast(FLOATS, scale * (g3 & 15));
        FloatVector min0 = FloatVector.broadcast(FLOATS, -minimum * (g0 >> 4 & 15));
        FloatVector min1 = FloatVector.broadcast(FLOATS, -minimum * (g1 >> 4 & 15));
        FloatVector min2 = FloatVector.broadcast(FLOATS, -minimum * (g2 >> 4 & 15));
        FloatVector min3 = FloatVector.broadcast(FLOATS, -minimum * (g3 >> 4 & 15));
        for (int i = 0; i < GROUP; i += COUNT) {
            IntVector q = Lanes.bytes(w, quants + i);
            ((FloatVector) q.and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale0, min0)
                    .intoArray(out, at + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 2).and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale1, min1)
                    .intoArray(out, at + 32 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 4).and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale2, min2)
                    .intoArray(out, at + 64 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 6).and(3).convert(VectorOperators.I2F, 0))
                    .fma(scale3, min3)
                    .intoArray(out, at + 96 + i);
        }
    }
}
