package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;

import io.github.mixtral4j.kernel.TrainingOps.AdamStep;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The loops of [TrainingOps] that take a tensor as one long row, as the optimizer does, on the Java Vector API. One
/// thread each: a step has hundreds of tensors to share out, and a parallel loop for each of them would be mostly
/// waiting.
final class VectorOptimizer {
    /// Elements at a time, whose squares float32 sums up well.
    private static final int CHUNK = 1 << 14;

    private VectorOptimizer() {}

    /// A stretch of a tensor: `count` floats from byte `at` of its elements.
    @FunctionalInterface
    private interface Chunk {
        void run(long at, int count);
    }

    private static void forEach(Rows x, Chunk chunk) {
        long elements = (long) x.count() * x.cols();
        for (long from = 0; from < elements; from += CHUNK) {
            chunk.run(from * Float.BYTES, (int) Math.min(CHUNK, elements - from));
        }
    }

    static void adamW(Rows value, Rows gradient, Rows mean, Rows square, AdamStep step) {
        forEach(value, (at, count) -> adamW(flat(value), flat(gradient), flat(mean), flat(square), at, count, step));
    }

    private static void adamW(
            MemorySegment value,
            MemorySegment gradient,
            MemorySegment mean,
            MemorySegment square,
            long at,
            int count,
            AdamStep step) {
        float scale = step.gradientScale();
        float beta1 = step.beta1();
        float beta2 = step.beta2();
        float rest1 = (float) (1.0 - beta1);
        float rest2 = (float) (1.0 - beta2);
        float rate = step.meanRate();
        float root = step.rootScale();
        float epsilon = step.epsilon();
        float keep = (float) (1.0 - (double) step.rate() * step.decay());
        int i = 0;
        for (; i <= count - COUNT; i += COUNT) {
            long o = at + i * 4L;
            FloatVector g =
                    FloatVector.fromMemorySegment(FLOATS, gradient, o, NATIVE).mul(scale);
            FloatVector m = FloatVector.fromMemorySegment(FLOATS, mean, o, NATIVE)
                    .mul(beta1)
                    .add(g.mul(rest1));
            FloatVector s = FloatVector.fromMemorySegment(FLOATS, square, o, NATIVE)
                    .mul(beta2)
                    .add(g.mul(g).mul(rest2));
            m.intoMemorySegment(mean, o, NATIVE);
            s.intoMemorySegment(square, o, NATIVE);
            FloatVector.fromMemorySegment(FLOATS, value, o, NATIVE)
                    .mul(keep)
                    .sub(m.mul(rate).div(s.sqrt().mul(root).add(epsilon)))
                    .intoMemorySegment(value, o, NATIVE);
        }
        for (; i < count; i++) {
            long o = at + i * 4L;
            float g = gradient.get(Rows.FLOAT, o) * scale;
            float m = mean.get(Rows.FLOAT, o) * beta1 + g * rest1;
            float s = square.get(Rows.FLOAT, o) * beta2 + g * g * rest2;
            mean.set(Rows.FLOAT, o, m);
            square.set(Rows.FLOAT, o, s);
            float move = m * rate / ((float) Math.sqrt(s) * root + epsilon);
            value.set(Rows.FLOAT, o, value.get(Rows.FLOAT, o) * keep - move);
        }
    }

    static double squaredNorm(Rows x) {
        float[] lanes = new float[COUNT];
        double[] sum = {0};
        forEach(x, (at, count) -> sum[0] += Lanes.squares(flat(x), at, count, lanes));
        return sum[0];
    }

    static void toBfloat16(Rows x, MemorySegment out) {
        forEach(x, (at, count) -> Bfloat16.round(flat(x), at, count, out, at / 2));
    }

    /// The elements in use.
    private static MemorySegment flat(Rows x) {
        return x.data().asSlice(x.offset(0), x.rowBytes() * x.count());
    }
}
