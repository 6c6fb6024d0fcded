package io.github.mixtral4j.cli;

import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.Workspace;
import io.github.mixtral4j.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;

/// How long one sequence takes: a prompt computed at once, then tokens one by one.
///
/// @param prefill tokens of the prompt
/// @param decode tokens after it
/// @param samples every measurement, in order
record BenchSpeed(int prefill, int decode, List<Sample> samples) {
    /// Long enough for the JVM to compile the loops.
    static final long WARM_UP_NANOS = 2_000_000_000L;

    /// Seconds of one measurement.
    record Sample(double prefillSeconds, double decodeSeconds) {}

    /// Warms up and measures `repeat` times on the same random tokens.
    ///
    /// @throws IllegalArgumentException if the tokens do not fit the model's context
    static BenchSpeed measure(
            Console console, OpenModel model, DType kvType, int prefill, int decode, int repeat, long seed) {
        int context = model.config().contextLength();
        if ((long) prefill + decode > context) {
            throw new IllegalArgumentException("--prefill and --decode together must be at most " + context
                    + ", the model's context length, got " + ((long) prefill + decode));
        }
        int[] tokens = new SplittableRandom(seed)
                .ints(prefill + decode, 0, model.config().vocabSize())
                .toArray();
        try (KvCache cache = KvCache.allocate(model.config(), prefill + decode, kvType);
                Workspace work = Workspace.allocate(model.config(), prefill, 1)) {
            long end = System.nanoTime() + WARM_UP_NANOS;
            do {
                Sample _ = sample(model, cache, work, tokens, Math.min(prefill, 128), Math.min(decode, 16));
            } while (System.nanoTime() < end);
            List<Sample> samples = new ArrayList<>();
            for (int i = 0; i < repeat; i++) {
                Sample sample = sample(model, cache, work, tokens, prefill, decode);
                samples.add(sample);
                console.message(String.format(
                        Locale.ROOT,
                        "%d of %d: prefill %.2f tokens/s, decode %.2f tokens/s",
                        i + 1,
                        repeat,
                        prefill / sample.prefillSeconds,
                        decode / sample.decodeSeconds));
            }
            return new BenchSpeed(prefill, decode, samples);
        }
    }

    private static Sample sample(
            OpenModel model, KvCache cache, Workspace work, int[] tokens, int prompt, int generated) {
        int sequence = cache.openSequence();
        try {
            long start = System.nanoTime();
            model.model().forward(Batch.ofSequence(sequence, 0, tokens, 0, prompt), cache, work);
            long prefilled = System.nanoTime();
            for (int i = prompt; i < prompt + generated; i++) {
                model.model().forward(Batch.ofSequence(sequence, i, tokens, i, 1), cache, work);
            }
            return new Sample((prefilled - start) / 1e9, (System.nanoTime() - prefilled) / 1e9);
        } finally {
            cache.closeSequence(sequence);
        }
    }

    /// Median seconds of the prompt.
    double prefillSeconds() {
        return median(samples.stream().mapToDouble(Sample::prefillSeconds));
    }

    /// Median seconds of a token after it.
    double decodeSecondsPerToken() {
        return median(samples.stream().mapToDouble(Sample::decodeSeconds)) / decode;
    }

    /// The middle of the values, of two middle ones their mean.
    static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
