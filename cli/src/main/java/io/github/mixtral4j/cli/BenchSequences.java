package io.github.mixtral4j.cli;

import io.github.mixtral4j.kernel.PagedKv;
import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.Workspace;
import io.github.mixtral4j.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.IntStream;

/// How fast several sequences decode together: a row of each in every batch, as a server runs its requests. Every
/// sequence has a prompt and tokens of its own, so that they go to different experts.
///
/// @param decode tokens that each decodes
/// @param groups every number of sequences that was measured, one alone first
record BenchSequences(int decode, List<Group> groups) {
    /// A limit for what would run for hours by mistake.
    private static final int MOST = 1024;

    /// Some sequences that decode together.
    ///
    /// @param size how many
    /// @param seconds of every measurement, in order
    record Group(int size, List<Double> seconds) {}

    /// Prefills the sequences once and lets every number of them, and one alone, decode in turn, `repeat` times.
    ///
    /// @throws IllegalArgumentException if there are too many sequences
    static BenchSequences measure(
            Console console,
            OpenModel model,
            DType kvType,
            int prefill,
            int decode,
            int repeat,
            long seed,
            List<Integer> counts) {
        TreeSet<Integer> numbers = new TreeSet<>(counts);
        numbers.add(1);
        int most = numbers.last();
        try (KvCache cache = KvCache.allocate(model.config(), capacity(most, prefill + decode), kvType);
                Workspace work = Workspace.allocate(model.config(), Math.max(prefill, most), most)) {
            int[][] tokens = new int[most][];
            int[] handles = new int[most];
            SplittableRandom random = new SplittableRandom(seed);
            for (int s = 0; s < most; s++) {
                tokens[s] = random.ints(prefill + decode, 0, model.config().vocabSize())
                        .toArray();
                handles[s] = cache.openSequence();
                model.model().forward(Batch.ofSequence(handles[s], 0, tokens[s], 0, prefill), cache, work);
            }
            List<Group> groups = numbers.stream()
                    .map(count -> new Group(count, new ArrayList<>()))
                    .toList();
            for (int i = -1; i < repeat; i++) {
                for (Group group : groups) {
                    int steps = i < 0 ? Math.min(decode, 16) : decode; // the first round warms up
                    double seconds = decode(model, cache, work, handles, tokens, group.size(), prefill, steps);
                    if (i >= 0) {
                        group.seconds().add(seconds);
                        console.message(String.format(
                                Locale.ROOT,
                                "%d of %d: %d together %.2f tokens/s",
                                i + 1,
                                repeat,
                                group.size(),
                                group.size() * decode / seconds));
                    }
                }
            }
            return new BenchSequences(decode, groups);
        }
    }

    /// Checks `--sequences`.
    ///
    /// @throws IllegalArgumentException if a number is not 1 to 1024
    static void check(List<Integer> counts) {
        for (int count : counts) {
            if (count < 1 || count > MOST) {
                throw new IllegalArgumentException("--sequences must be numbers from 1 to " + MOST + ", got " + count);
            }
        }
    }

    /// Tokens that whole pages for each sequence hold.
    private static int capacity(int sequences, int tokens) {
        long capacity = (long) sequences * Math.ceilDiv(tokens, PagedKv.PAGE_TOKENS) * PagedKv.PAGE_TOKENS;
        if (capacity > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(sequences + " sequences of " + tokens
                    + " tokens do not fit a key/value cache; ask for fewer --sequences or a smaller --prefill");
        }
        return (int) capacity;
    }

    /// Seconds in which `count` sequences decode `steps` tokens each; the cache is afterwards as it was.
    private static double decode(
            OpenModel model,
            KvCache cache,
            Workspace work,
            int[] handles,
            int[][] tokens,
            int count,
            int from,
            int steps) {
        int[] sequences = Arrays.copyOf(handles, count);
        int[] all = IntStream.range(0, count).toArray();
        long start = System.nanoTime();
        for (int position = from; position < from + steps; position++) {
            int at = position;
            int[] ids = IntStream.range(0, count).map(s -> tokens[s][at]).toArray();
            int[] positions = IntStream.range(0, count).map(_ -> at).toArray();
            model.model().forward(new Batch(ids, positions, sequences, all), cache, work);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        for (int sequence : sequences) {
            cache.truncate(sequence, from);
        }
        return seconds;
    }

    /// Median seconds of one step.
    double secondsPerStep(Group group) {
        return BenchSpeed.median(group.seconds().stream().mapToDouble(seconds -> seconds)) / decode;
    }

    private double tokensPerSecond(Group group) {
        return group.size() / secondsPerStep(group);
    }

    /// Median of the tokens per second by those of one alone, of measurements next to each other.
    private double timesOne(Group group) {
        List<Double> together = group.seconds();
        List<Double> alone = groups.getFirst().seconds();
        return BenchSpeed.median(
                IntStream.range(0, together.size()).mapToDouble(i -> group.size() * alone.get(i) / together.get(i)));
    }

    /// The figures, for JSON.
    List<Map<String, Object>> figures() {
        List<Map<String, Object>> all = new ArrayList<>();
        for (Group group : groups) {
            Map<String, Object> figures = new LinkedHashMap<>();
            figures.put("sequences", group.size());
            figures.put("decode_tokens_per_second", tokensPerSecond(group));
            figures.put("times_one_sequence", timesOne(group));
            all.add(figures);
        }
        return all;
    }

    /// The figures, for people.
    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("sequences:");
        for (Group group : groups) {
            lines.add(String.format(
                    Locale.ROOT,
                    "  %d: %.2f tokens/s, %.2f times one",
                    group.size(),
                    tokensPerSecond(group),
                    timesOne(group)));
        }
        return lines;
    }
}
