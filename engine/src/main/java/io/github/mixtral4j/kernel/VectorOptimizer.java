package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.Lanes.COUNT;
import static io.github.mixtral4j.kernel.Lanes.FLOATS;
import static io.github.mixtral4j.kernel.Lanes.NATIVE;

import io.github.mixtral4j.kernel.TrainingOps.AdamStep;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The loops of [TrainingOps] that take a tensor as one long row, as the optimizer does, on the Java Vector API.
final class VectorOptimizer {
    /// Elements of a task.
    private static final int CHUNK = 1 << 14;

    private final WorkerPool pool;
    private final float[][] lanes;
    private double[] chunkSums = {};

    VectorOptimizer(WorkerPool pool) {
        this.pool = pool;
        lanes = new float[pool.threads()][COUNT];
    }

    void adamW(Rows value, Rows gradient, Rows mean, Rows square, AdamStep step) {
        long elements = elements(value);
        pool.run(chunks(elements), (chunk, worker) -> {
            long from = (long) chunk * CHUNK;
            int count = (int) Math.min(CHUNK, elements - from);
            adamW(flat(value), flat(gradient), flat(mean), flat(square), from * Float.BYTES, count, step);
        });
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

    double squaredNorm(Rows x) {
        long elements = elements(x);
        int chunks = chunks(elements);
        if (chunkSums.length < chunks) {
            chunkSums = new double[chunks];
        }
        double[] sums = chunkSums;
        pool.run(chunks, (chunk, worker) -> {
            long from = (long) chunk * CHUNK;
            int count = (int) Math.min(CHUNK, elements - from);
            sums[chunk] = Lanes.squares(flat(x), from * Float.BYTES, count, lanes[worker]);
        });
        double sum = 0;
        for (int chunk = 0; chunk < chunks; chunk++) {
            sum += sums[chunk];
        }
        return sum;
    }

    void toBfloat16(Rows x, MemorySegment out) {
        long elements = elements(x);
        pool.run(chunks(elements), (chunk, worker) -> {
            long from = (long) chunk * CHUNK;
            Bfloat16.round(flat(x), from * Float.BYTES, (int) Math.min(CHUNK, elements - from), out, from * 2);
        });
    }

    /// The elements in use.
    private static MemorySegment flat(Rows x) {
        return x.data().asSlice(x.offset(0), x.rowBytes() * x.count());
    }

    private static long elements(Rows x) {
        return (long) x.count() * x.cols();
    }

    private static int chunks(long elements) {
        return Math.toIntExact(Math.ceilDiv(elements, (long) CHUNK));
    }
}
