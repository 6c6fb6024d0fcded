package io.github.mixtral4j.sampling;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// Natural log-probabilities of a chosen token and of the most likely ones, by the model's own logits: penalties,
/// biases and temperature do not change them (the default of OpenAI and vLLM).
///
/// @param chosen the token that was chosen
/// @param top the most likely tokens, best first, the lower id first among equals; may or may not hold the chosen one
public record Logprobs(Entry chosen, List<Entry> top) {
    /// A token and the natural logarithm of its probability; `-Infinity` for a token that the model rules out.
    public record Entry(int token, double logprob) {}

    /// Takes a copy of the list.
    public Logprobs {
        top = List.copyOf(top);
    }

    /// Log-probabilities under the softmax of a row of logits.
    ///
    /// @param logits one float per token of the vocabulary in native byte order, read only
    /// @param topN how many of the most likely tokens to list; more than the vocabulary lists all
    /// @throws IllegalArgumentException if the row holds NaN or `+Infinity`, or is `-Infinity` throughout
    public static Logprobs of(MemorySegment logits, int token, int topN) {
        Norm norm = Norm.of(logits);
        int vocabSize = size(logits);
        int n = Math.min(topN, vocabSize);
        int[] best = new int[n];
        int found = 0;
        for (int id = 0; id < vocabSize && n > 0; id++) {
            float logit = at(logits, id);
            if (found == n && logit <= at(logits, best[n - 1])) {
                continue;
            }
            // Insertion into a short sorted list; strict comparison leaves the lower id in front.
            int slot = found < n ? found++ : n - 1;
            for (; slot > 0 && at(logits, best[slot - 1]) < logit; slot--) {
                best[slot] = best[slot - 1];
            }
            best[slot] = id;
        }
        var top = new ArrayList<Entry>(n);
        for (int id : best) {
            top.add(new Entry(id, norm.logprob(at(logits, id))));
        }
        return new Logprobs(new Entry(token, norm.logprob(at(logits, token))), top);
    }

    /// Log-probability of one token under the softmax of a row of logits.
    ///
    /// @throws IllegalArgumentException as [#of(MemorySegment, int, int)]
    public static double logprob(MemorySegment logits, int token) {
        return Norm.of(logits).logprob(at(logits, token));
    }

    private static int size(MemorySegment logits) {
        return Math.toIntExact(logits.byteSize() / Float.BYTES);
    }

    private static float at(MemorySegment logits, int id) {
        return logits.getAtIndex(ValueLayout.JAVA_FLOAT, id);
    }

    /// What turns logits into log-probabilities. The two parts are subtracted one by one: beside huge logits, their
    /// sum would lose the second.
    private record Norm(double max, double logSum) {
        static Norm of(MemorySegment logits) {
            int vocabSize = size(logits);
            float max = Float.NEGATIVE_INFINITY;
            for (int id = 0; id < vocabSize; id++) {
                max = Math.max(max, at(logits, id));
            }
            if (!Float.isFinite(max)) {
                throw new IllegalArgumentException("the highest of the " + vocabSize + " logits is " + max
                        + "; the weights are damaged or the computation overflowed");
            }
            double sum = 0;
            for (int id = 0; id < vocabSize; id++) {
                sum += Math.exp((double) at(logits, id) - max);
            }
            return new Norm(max, Math.log(sum));
        }

        double logprob(float logit) {
            return logit - max - logSum;
        }
    }
}
