package io.github.mixtral4j.quant;

import java.util.Arrays;

/// Finds `element ≈ scale * quant - offset` for a group of elements, with quants from 0 to `top`, as Q2_K, Q4_K and
/// Q5_K store them.
///
/// The first candidate spreads the quants evenly from the least element (or 0) to the greatest. Each further one
/// spreads them from the minimum of the best so far, over slightly fewer or more than `top` steps, and weighted linear
/// regression of the elements over these quants gives its scale and offset. The least weighted error wins, the first
/// on ties.
///
/// One instance serves one block; its arrays are reused from group to group.
///
/// Source: `make_qkx2_quants` of ggml-quants.c. Every sum runs in float32 and in element order: the bytes depend on it.
final class AffineFit {
    /// How a format searches.
    ///
    /// @param top largest quant
    /// @param groupElements elements of a group
    /// @param groupTop largest group scale and group minimum
    /// @param firstStretch what the first regression adds to `top` steps; each next adds 0.1 more
    /// @param candidates number of regressions
    /// @param magnitudes whether elements weigh their magnitude and errors count by theirs; otherwise the root mean
    ///     square of the group is added to each weight and errors count by their square
    record Rule(int top, int groupElements, int groupTop, float firstStretch, int candidates, boolean magnitudes) {}

    private final Rule rule;
    private final float[] weights;
    private final byte[] best;
    private final byte[] trial;
    private float scale;
    private float offset;

    AffineFit(Rule rule) {
        this.rule = rule;
        this.weights = new float[rule.groupElements];
        this.best = new byte[rule.groupElements];
        this.trial = new byte[rule.groupElements];
    }

    /// Step between quants; 0 if all elements are alike.
    float scale() {
        return scale;
    }

    /// What is subtracted from `scale * quant`; at least 0.
    float offset() {
        return offset;
    }

    /// Fits the group that starts at `x[from]` and writes its quants to `quants[from…]`.
    void fit(float[] x, int from, byte[] quants) {
        int count = weights.length;
        float least = Blocks.minimum(x, from, count);
        float low = least > 0 ? 0 : least;
        float high = Blocks.maximum(x, from, count);
        offset = -low;
        scale = 0;
        if (high == low) {
            Arrays.fill(quants, from, from + count, (byte) 0);
            return;
        }
        weigh(x, from);
        float inverse = rule.top / (high - low);
        scale = 1 / inverse;
        spread(x, from, low, inverse, best);
        regressions(x, from, low, high);
        System.arraycopy(best, 0, quants, from, count);
    }

    private void weigh(float[] x, int from) {
        float base = 0;
        if (!rule.magnitudes) {
            float squares = 0;
            for (int i = 0; i < weights.length; i++) {
                squares += x[from + i] * x[from + i];
            }
            base = (float) Math.sqrt(squares / weights.length);
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] = base + Math.abs(x[from + i]);
        }
    }

    private void regressions(float[] x, int from, float low, float high) {
        float sumW = 0;
        float sumX = 0;
        for (int i = 0; i < weights.length; i++) {
            sumW += weights[i];
            sumX += weights[i] * x[from + i];
        }
        float leastError = error(x, from, best, scale, low);
        for (int step = 0; step < rule.candidates; step++) {
            // The start moves with the best candidate: an accident of the source that its bytes depend on.
            float start = -offset;
            spread(x, from, start, (rule.firstStretch + 0.1f * step + rule.top) / (high - start), trial);
            float sumQ = 0;
            float sumQQ = 0;
            float sumXQ = 0;
            for (int i = 0; i < weights.length; i++) {
                float weighted = weights[i] * trial[i];
                sumQ += weighted;
                sumQQ += weighted * trial[i];
                sumXQ += weighted * x[from + i];
            }
            float determinant = sumW * sumQQ - sumQ * sumQ;
            if (!(determinant > 0)) {
                continue;
            }
            float slope = (sumW * sumXQ - sumX * sumQ) / determinant;
            float intercept = (sumQQ * sumX - sumQ * sumXQ) / determinant;
            if (intercept > 0) {
                intercept = 0;
                slope = sumXQ / sumQQ;
            }
            float error = error(x, from, trial, slope, intercept);
            if (error < leastError) {
                leastError = error;
                scale = slope;
                offset = -intercept;
                System.arraycopy(trial, 0, best, 0, best.length);
            }
        }
    }

    private void spread(float[] x, int from, float low, float inverse, byte[] quants) {
        for (int i = 0; i < quants.length; i++) {
            quants[i] = (byte) Blocks.round(inverse * (x[from + i] - low), 0, rule.top);
        }
    }

    private float error(float[] x, int from, byte[] quants, float slope, float intercept) {
        float sum = 0;
        for (int i = 0; i < quants.length; i++) {
            float difference = slope * quants[i] + intercept - x[from + i];
            sum += weights[i] * (rule.magnitudes ? Math.abs(difference) : difference * difference);
        }
        return sum;
    }
}
