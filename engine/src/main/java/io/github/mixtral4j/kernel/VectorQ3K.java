package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.LE;

import io.github.mixtral4j.quant.Q3K;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// Q3_K in registers.
final class VectorQ3K {
    private static final int ELEMENTS = DType.Q3_K.blockElements();
    private static final int BLOCK = DType.Q3_K.blockBytes();
    private static final int GROUP = 16;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);

    private VectorQ3K() {}

    /// See [VectorFormat#expand].
    static void expand(MemorySegment w, long offset, int elements, float[] out, int outOffset) {
        for (int quarter = 0; quarter < elements / 64; quarter++) {
            int at = outOffset + quarter / 4 * ELEMENTS + quarter / 2 % 2 * 128 + quarter % 2 * GROUP;
            expandGroups(w, offset + (long) (quarter / 4) * BLOCK, quarter / 2 % 2, quarter % 2, out, at);
        }
    }

    /// The four groups of a half block whose quants share 16 bytes.
    private static void expandGroups(MemorySegment w, long block, int half, int part, float[] out, int at) {
        long low = block + Q3K.QUANTS + 32L * half + (long) GROUP * part;
        long high = block + Q3K.HIGH_BITS + (long) GROUP * part;
        int first = 8 * half + part;
        float scale = Float.float16ToFloat(w.get(HALF, block + Q3K.SCALE));
        FloatVector scale0 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first));
        FloatVector scale1 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first + 2));
        FloatVector scale2 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first + 4));
        FloatVector scale3 = FloatVector.broadcast(FLOATS, scale * Q3K.groupScale(w, block, first + 6));
        for (int i = 0; i < GROUP; i += COUNT) {
            IntVector q = Lanes.bytes(w, low + i);
            IntVector third = Lanes.bytes(w, high + i).lanewise(VectorOperators.LSHR, 4 * half);
            ((FloatVector) q.and(3)
                            .or(third.lanewise(VectorOperators.LSHL, 2).and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale0)
                    .intoArray(out, at + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 2)
                            .and(3)
                            .or(third.lanewise(VectorOperators.LSHL, 1).and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale1)
                    .intoArray(out, at + 32 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 4)
                            .and(3)
                            .or(third.and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale2)
                    .intoArray(out, at + 64 + i);
            ((FloatVector) q.lanewise(VectorOperators.LSHR, 6)
                            .and(3)
                            .or(third.lanewise(VectorOperators.LSHR, 1).and(4))
                            .sub(4)
                            .convert(VectorOperators.I2F, 0))
                    .mul(scale3)
                    .intoArray(out, at + 96 + i);
        }
    }
}
