package io.github.mixtral4j.sampling;

import java.util.Arrays;

/// Keeps the candidates with the highest keys until their weights add up to a target: the common part of top-k
/// (weight 1 each), top-p and typical sampling (weight = probability).
///
/// A radix search finds the key at which the target is reached: weights are added up by the upper 11 bits of the key,
/// then, within the bucket where the target falls, by the next 11 bits and the last 10. Three passes over the
/// vocabulary in place of a sort, whatever the keys are.
final class Selection {
    private static final int[] SHIFTS = {21, 10, 0};
    private static final int[] BUCKETS = {1 << 11, 1 << 11, 1 << 10};

    private final double[] sums = new double[1 << 11];
    private final float[] keys;
    private double reached;

    Selection(int vocabSize) {
        keys = new float[vocabSize];
    }

    /// Keys to fill in, one per candidate position, before [#keepHighest]; the buffer is reused.
    float[] keys() {
        return keys;
    }

    /// Keeps the candidates with the highest logits, as [#keepHighest].
    void keepHighestLogits(Candidates candidates, double[] weights, double target) {
        for (int i = 0; i < candidates.count(); i++) {
            keys[i] = candidates.logit(i);
        }
        keepHighest(candidates, weights, target);
    }

    /// Drops the candidates beyond the target; at least one stays. Among equal keys the lower ids stay.
    ///
    /// @param weights one per position, not negative
    void keepHighest(Candidates candidates, double[] weights, double target) {
        // A target of 0 still keeps the best one.
        double goal = Math.max(target, Double.MIN_VALUE);
        int threshold = threshold(candidates.count(), weights, goal);
        candidates.retain(i -> {
            int order = Integer.compareUnsigned(bits(keys[i]), threshold);
            if (order == 0 && reached < goal) {
                reached += weights[i];
                return true;
            }
            return order > 0;
        });
    }

    /// The key bits at which the target is reached; `reached` becomes the weight of all keys above it.
    private int threshold(int count, double[] weights, double goal) {
        reached = 0;
        int prefix = 0;
        int mask = 0;
        for (int level = 0; level < SHIFTS.length; level++) {
            int shift = SHIFTS[level];
            int last = BUCKETS[level] - 1;
            Arrays.fill(sums, 0);
            for (int i = 0; i < count; i++) {
                int key = bits(keys[i]);
                if ((key & mask) == prefix) {
                    sums[(key >>> shift) & last] += weights[i];
                }
            }
            int bucket = last;
            // Rounding may leave the sum of everything below the target: then bucket 0 keeps everything.
            while (bucket > 0 && reached + sums[bucket] < goal) {
                reached += sums[bucket--];
            }
            prefix |= bucket << shift;
            mask |= last << shift;
        }
        return prefix;
    }

    /// Bits whose unsigned order is the order of the floats; adding 0 makes `-0.0` equal `0.0`.
    private static int bits(float key) {
        int bits = Float.floatToRawIntBits(key + 0f);
        return bits < 0 ? ~bits : bits ^ Integer.MIN_VALUE;
    }
}
