package io.github.mixtral4j.sampling;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.IntPredicate;

/// The tokens that may come next, with their logits: what every [LogitsProcessor] works on.
///
/// Candidates stand at positions `0 … count - 1` in ascending order of token id and stay so, whatever is dropped.
/// Hence ties go to the lower id without further care, and equal sets give equal draws. The buffers are allocated
/// once for a vocabulary and loaded anew for every token; one thread uses them at a time.
public final class Candidates {
    private final int[] ids;
    private final float[] logits;
    private final double[] weights;
    private final Selection selection;
    private int count;

    /// Buffers for a vocabulary of this size, empty at first.
    public Candidates(int vocabSize) {
        if (vocabSize <= 0) {
            throw new IllegalArgumentException("vocabSize must be positive, got " + vocabSize);
        }
        ids = new int[vocabSize];
        logits = new float[vocabSize];
        weights = new double[vocabSize];
        selection = new Selection(vocabSize);
    }

    /// Makes every token of the vocabulary a candidate, except those whose logit is `-Infinity`.
    ///
    /// @param row `vocabSize` floats in native byte order, read only; may be native memory or a wrapped `float[]`
    /// @return this
    /// @throws IllegalArgumentException if the row has another length or holds NaN or `+Infinity`
    public Candidates load(MemorySegment row) {
        if (row.byteSize() != (long) ids.length * Float.BYTES) {
            throw new IllegalArgumentException("a row of " + row.byteSize()
                    + " bytes does not hold the float logits of a vocabulary of " + ids.length);
        }
        MemorySegment.copy(row, ValueLayout.JAVA_FLOAT, 0, logits, 0, ids.length);
        count = 0;
        for (int id = 0; id < ids.length; id++) {
            float logit = logits[id];
            if (logit == Float.NEGATIVE_INFINITY) {
                continue;
            }
            if (!(logit < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("the logit of token " + id + " is " + logit
                        + "; the weights are damaged or the computation overflowed");
            }
            ids[count] = id;
            logits[count++] = logit;
        }
        return this;
    }

    /// Number of candidates.
    public int count() {
        return count;
    }

    /// Token id of the candidate at a position.
    public int id(int position) {
        return ids[position];
    }

    /// Logit of the candidate at a position; always finite.
    public float logit(int position) {
        return logits[position];
    }

    /// Sets the logit of the candidate at a position. Values beyond the range of a float are clamped to it, so that
    /// logits stay finite; to ban a token, drop it with [#retain(IntPredicate)].
    public void setLogit(int position, double value) {
        logits[position] = (float) Math.clamp(value, -Float.MAX_VALUE, Float.MAX_VALUE);
    }

    /// Position of a token, or a negative number when it is no candidate.
    public int find(int token) {
        return Arrays.binarySearch(ids, 0, count, token);
    }

    /// Position of the highest logit, the lowest id among equals.
    public int best() {
        int best = 0;
        for (int i = 1; i < count; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    /// Drops all candidates whose position fails the test. The test is called once for each, in ascending order.
    public void retain(IntPredicate keep) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (keep.test(i)) {
                ids[kept] = ids[i];
                logits[kept++] = logits[i];
            }
        }
        count = kept;
    }

    /// Scratch space for selecting among these candidates.
    Selection selection() {
        return selection;
    }

    /// Ones, in positions `0 … count - 1` of the buffer of [#probabilities()].
    double[] equalWeights() {
        Arrays.fill(weights, 0, count, 1);
        return weights;
    }

    /// Softmax of the candidates' logits, in positions `0 … count - 1` of a buffer that the next call overwrites.
    public double[] probabilities() {
        double max = logits[best()];
        double sum = 0;
        for (int i = 0; i < count; i++) {
            weights[i] = Math.exp(logits[i] - max);
            sum += weights[i];
        }
        for (int i = 0; i < count; i++) {
            weights[i] /= sum;
        }
        return weights;
    }
}
