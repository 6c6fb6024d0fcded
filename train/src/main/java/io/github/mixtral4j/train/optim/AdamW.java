package io.github.mixtral4j.train.optim;

import io.github.mixtral4j.kernel.WorkerPool;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.optim.Chunks.Chunk;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/// Adam with decoupled weight decay. Holds two moments per parameter, in memory of the arena it was given;
/// one thread uses it at a time.
/// ```
/// p ← p · (1 − rate · decay)
/// m ← β₁ m + (1 − β₁) g         v ← β₂ v + (1 − β₂) g²
/// p ← p − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
/// Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, with the decay
/// scaled by the learning rate as PyTorch does it.
public final class AdamW {
    private final List<Parameter> parameters;
    private final List<Chunk> chunks;
    private final List<Rows> firstMoments = new ArrayList<>();
    private final List<Rows> secondMoments = new ArrayList<>();
    private final WorkerPool pool;
    private final Scratch[] scratch;
    private final double beta1;
    private final double beta2;
    private final double epsilon;
    private final double weightDecay;
    private int steps;

    /// Starts with moments of zero.
    ///
    /// @param arena where the moments are, eight bytes for every parameter
    /// @param pool what shares the work of a step; borrowed
    public AdamW(
            List<Parameter> parameters,
            double beta1,
            double beta2,
            double epsilon,
            double weightDecay,
            Arena arena,
            WorkerPool pool) {
        this.parameters = List.copyOf(parameters);
        this.chunks = Chunks.of(parameters);
        this.pool = pool;
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
        this.weightDecay = weightDecay;
        for (Parameter parameter : parameters) {
            firstMoments.add(Rows.allocate(arena, parameter.rows(), parameter.cols()));
            secondMoments.add(Rows.allocate(arena, parameter.rows(), parameter.cols()));
        }
        scratch = new Scratch[pool.threads()];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = new Scratch();
        }
    }

    /// Steps taken.
    public int steps() {
        return steps;
    }

    /// Goes on after so many steps; the moments are set by their owner.
    public void resumeAfter(int steps) {
        this.steps = steps;
    }

    /// `m` of every parameter, in their order.
    public List<Rows> firstMoments() {
        return List.copyOf(firstMoments);
    }

    /// `v` of every parameter, in their order.
    public List<Rows> secondMoments() {
        return List.copyOf(secondMoments);
    }

    /// The Euclidean length of all gradients together.
    public double gradientNorm() {
        double[] sums = new double[chunks.size()];
        pool.run(chunks.size(), (index, worker) -> {
            Chunk chunk = chunks.get(index);
            float[] g = scratch[worker].gradient;
            chunk.load(parameters.get(chunk.parameter()).gradient(), g);
            sums[index] = sumOfSquares(g, chunk.length());
        });
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return Math.sqrt(sum);
    }

    /// Changes every parameter, and sets the gradients to zero.
    ///
    /// @param rate learning rate of this step
    /// @param gradientScale what the gradients are multiplied by first, to clip them
    public void step(double rate, double gradientScale) {
        steps++;
        float scale = (float) gradientScale;
        float size = (float) (rate / (1 - Math.pow(beta1, steps)));
        float correction = (float) (1 / Math.sqrt(1 - Math.pow(beta2, steps)));
        pool.run(chunks.size(), (index, worker) -> {
            Chunk chunk = chunks.get(index);
            Parameter parameter = parameters.get(chunk.parameter());
            Rows first = firstMoments.get(chunk.parameter());
            Rows second = secondMoments.get(chunk.parameter());
            Scratch work = scratch[worker];
            chunk.load(parameter.value(), work.value);
            chunk.load(parameter.gradient(), work.gradient);
            chunk.load(first, work.first);
            chunk.load(second, work.second);
            float keep = parameter.decays() ? (float) (1 - rate * weightDecay) : 1;
            updateMoments(work.gradient, work.first, work.second, scale, chunk.length());
            updateValues(work.value, work.first, work.second, keep, size, correction, chunk.length());
            chunk.store(work.value, parameter.value());
            chunk.store(work.first, first);
            chunk.store(work.second, second);
            parameter
                    .gradient()
                    .data()
                    .asSlice(chunk.offset() * Float.BYTES, (long) chunk.length() * Float.BYTES)
                    .fill((byte) 0);
        });
    }

    // The two loops below are plain ones over arrays, which the compiler turns into vector code.

    private void updateMoments(float[] g, float[] m, float[] v, float scale, int length) {
        float b1 = (float) beta1;
        float b2 = (float) beta2;
        float c1 = (float) (1 - beta1);
        float c2 = (float) (1 - beta2);
        for (int i = 0; i < length; i++) {
            float x = g[i] * scale;
            m[i] = b1 * m[i] + c1 * x;
            v[i] = b2 * v[i] + c2 * x * x;
        }
    }

    private void updateValues(float[] p, float[] m, float[] v, float keep, float size, float correction, int length) {
        float eps = (float) epsilon;
        for (int i = 0; i < length; i++) {
            p[i] = p[i] * keep - size * m[i] / ((float) Math.sqrt(v[i]) * correction + eps);
        }
    }

    private static double sumOfSquares(float[] g, int length) {
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        int i = 0;
        for (; i <= length - 4; i += 4) {
            sum0 += (double) g[i] * g[i];
            sum1 += (double) g[i + 1] * g[i + 1];
            sum2 += (double) g[i + 2] * g[i + 2];
            sum3 += (double) g[i + 3] * g[i + 3];
        }
        for (; i < length; i++) {
            sum0 += (double) g[i] * g[i];
        }
        return sum0 + sum1 + sum2 + sum3;
    }

    /// What a thread works in.
    private static final class Scratch {
        private final float[] value = new float[Chunks.LENGTH];
        private final float[] gradient = new float[Chunks.LENGTH];
        private final float[] first = new float[Chunks.LENGTH];
        private final float[] second = new float[Chunks.LENGTH];
    }
}
