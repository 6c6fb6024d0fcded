package io.github.mixtral4j.cli;

import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.Workspace;
import io.github.mixtral4j.tensor.DType;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// How fast a model decodes after a long context, beside its speed after none. The context is random keys and values,
/// which take no time to compute; both runs of a pair decode the same tokens.
///
/// @param kvType format of the cache
/// @param context tokens in the cache before the first that is decoded
/// @param emptySeconds seconds per token after no context, run by run
/// @param contextSeconds the same after `context` tokens
record BenchContext(DType kvType, int context, double[] emptySeconds, double[] contextSeconds) {
    /// Checks the options before anything is measured.
    ///
    /// @throws IllegalArgumentException if the model's context has no room for that many tokens
    static void requireRoom(OpenModel model, int context, int decode) {
        int room = model.config().contextLength();
        if (context > room - decode) {
            throw new IllegalArgumentException("--context and --decode together must be at most " + room
                    + ", the model's context length, got " + context + " and " + decode);
        }
    }

    /// Measures `repeat` pairs of `decode` tokens each, after a warm-up.
    static BenchContext measure(
            Console console, OpenModel model, DType kvType, int context, int decode, int repeat, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] tokens = random.ints(decode, 0, model.config().vocabSize()).toArray();
        double[] empty = new double[repeat];
        double[] filled = new double[repeat];
        try (KvCache cache = KvCache.allocate(model.config(), context + 2 * decode + KvCache.PAGE_TOKENS, kvType);
                Workspace work = Workspace.allocate(model.config(), 1, 1)) {
            int fresh = cache.openSequence();
            int full = cache.openSequence();
            cache.appendRandom(full, context, random);
            for (int i = -1; i < repeat; i++) {
                double before = secondsPerToken(model, cache, work, fresh, tokens);
                double after = secondsPerToken(model, cache, work, full, tokens);
                if (i >= 0) { // the first pair warms up
                    empty[i] = before;
                    filled[i] = after;
                    console.message(String.format(
                            Locale.ROOT,
                            "%d of %d: decode %.2f tokens/s, after %d tokens %.2f tokens/s",
                            i + 1,
                            repeat,
                            1 / before,
                            context,
                            1 / after));
                }
            }
        }
        return new BenchContext(kvType, context, empty, filled);
    }

    /// Decodes after what a sequence holds, and leaves it as it was.
    private static double secondsPerToken(OpenModel model, KvCache cache, Workspace work, int sequence, int[] tokens) {
        int start = cache.length(sequence);
        long begin = System.nanoTime();
        for (int i = 0; i < tokens.length; i++) {
            model.model().forward(Batch.ofSequence(sequence, start + i, tokens, i, 1), cache, work);
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        cache.truncate(sequence, start);
        return seconds / tokens.length;
    }

    /// Figures by name.
    Map<String, Object> figures() {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("tokens", context);
        result.put("kv_type", kvType.name());
        result.put("empty_decode_tokens_per_second", 1 / BenchSpeed.median(DoubleStream.of(emptySeconds)));
        result.put("decode_tokens_per_second", 1 / BenchSpeed.median(DoubleStream.of(contextSeconds)));
        result.put(
                "speed_kept",
                BenchSpeed.median(
                        IntStream.range(0, emptySeconds.length).mapToDouble(i -> emptySeconds[i] / contextSeconds[i])));
        return result;
    }
}
