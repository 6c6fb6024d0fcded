package io.github.mixtral4j.generate;

import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.sampling.Logprobs;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/// How well a model predicts a given text: the negative log-likelihood (nll) of its tokens, and perplexity.
///
/// Logits are computed for the scored positions alone and reduced at once, so memory does not grow with the text. For
/// one thread; [#close()] frees cache and workspace. A thread that is interrupted stops between two steps of the model.
public final class Scoring implements AutoCloseable {
    private final ModelRunner runner;
    private final int contextLength;
    private final int maxBatchRows;

    Scoring(ModelRunner runner, int contextLength, int maxBatchRows) {
        this.runner = runner;
        this.contextLength = contextLength;
        this.maxBatchRows = maxBatchRows;
    }

    /// Allocates cache and workspace for one window of `contextLength` tokens. The model stays the caller's.
    ///
    /// @param cacheType format of the KV cache: F16, F32 or Q8_0
    /// @param maxBatchRows tokens computed at once
    /// @throws IllegalArgumentException if the window is shorter than 3 tokens or longer than the model's context
    public static Scoring allocate(Mixtral model, int contextLength, DType cacheType, int maxBatchRows) {
        int limit = model.config().contextLength();
        if (contextLength < 3 || contextLength > limit) {
            throw new IllegalArgumentException("the context to score in must have 3 to " + limit
                    + " tokens (the model's context length), got " + contextLength);
        }
        int rows = Math.min(contextLength, maxBatchRows);
        return new Scoring(ModelRunner.allocate(model, contextLength, cacheType, rows, rows), contextLength, rows);
    }

    /// A perplexity and how sure it is.
    ///
    /// @param value `exp` of the mean nll
    /// @param standardError of the value: that of the mean nll, times the value; NaN after a single token
    /// @param meanNll natural logarithm, per scored token
    /// @param scoredTokens tokens that went into the mean
    /// @param windows windows scored so far
    /// @param totalWindows windows in the text
    public record Perplexity(
            double value, double standardError, double meanNll, long scoredTokens, int windows, int totalWindows) {}

    /// Mean nll of all tokens but the first, each given those before it.
    ///
    /// @throws IllegalArgumentException if there are fewer than 2 tokens, or more than the context
    public double meanNll(int... ids) throws InterruptedException {
        if (ids.length < 2 || ids.length > contextLength) {
            throw new IllegalArgumentException(
                    "the mean next-token loss needs 2 to " + contextLength + " tokens, got " + ids.length);
        }
        double[] sum = {0};
        score(ids, 0, nll -> sum[0] += nll);
        return sum[0] / (ids.length - 1);
    }

    /// Perplexity over a long text, as llama.cpp's tool computes it by default: the text is cut into windows of the
    /// context length that do not overlap (a shorter rest is left out), the first token of each is replaced by
    /// begin-of-text, and the tokens of the second half of each window are scored, so that each has at least half a
    /// window before it.
    ///
    /// @param ids the text with begin-of-text in front
    /// @param bos id of begin-of-text
    /// @param progress told the result so far after every window
    /// @throws IllegalArgumentException if the text does not fill one window
    /// Source: `perplexity` in llama.cpp's tools/perplexity/perplexity.cpp.
    public Perplexity perplexity(int[] ids, int bos, Consumer<Perplexity> progress) throws InterruptedException {
        int totalWindows = ids.length / contextLength;
        if (totalWindows == 0) {
            throw new IllegalArgumentException("the text has " + ids.length + " tokens, but a window has "
                    + contextLength + "; give more text or a shorter context");
        }
        var sums = new Sums();
        for (int w = 0; w < totalWindows; w++) {
            int[] window = Arrays.copyOfRange(ids, w * contextLength, (w + 1) * contextLength);
            window[0] = bos;
            score(window, contextLength / 2, sums);
            progress.accept(sums.perplexity(w + 1, totalWindows));
        }
        return sums.perplexity(totalWindows, totalWindows);
    }

    /// Computes a window and hands on the nll of the token after each position from `first` on.
    private void score(int[] window, int first, DoubleConsumer sink) throws InterruptedException {
        int sequence = runner.openSequence();
        try {
            // Nothing follows the last token, so it need not be computed.
            int end = window.length - 1;
            for (int from = 0; from < end; from += maxBatchRows) {
                if (Thread.interrupted()) {
                    throw new InterruptedException();
                }
                int count = Math.min(maxBatchRows, end - from);
                int[] logitRows = IntStream.range(Math.clamp(first - from, 0, count), count)
                        .toArray();
                runner.forward(Batch.ofSequence(sequence, from, window, from, count, logitRows));
                for (int i = 0; i < logitRows.length; i++) {
                    sink.accept(nll(runner.logits(i), window[from + logitRows[i] + 1]));
                }
            }
        } finally {
            runner.closeSequence(sequence);
        }
    }

    /// @throws GenerationException if the model gives no numbers
    private static double nll(MemorySegment logits, int id) {
        try {
            return -Logprobs.logprob(logits, id);
        } catch (IllegalArgumentException e) {
            throw new GenerationException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void close() {
        runner.close();
    }

    private static final class Sums implements DoubleConsumer {
        private double sum;
        private double squares;
        private long count;

        @Override
        public void accept(double nll) {
            sum += nll;
            squares += nll * nll;
            count++;
        }

        Perplexity perplexity(int windows, int totalWindows) {
            double mean = sum / count;
            double variance = Math.max(0, squares / count - mean * mean);
            double value = Math.exp(mean);
            return new Perplexity(value, value * Math.sqrt(variance / (count - 1)), mean, count, windows, totalWindows);
        }
    }
}
