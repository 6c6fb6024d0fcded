package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.cli.synth.Synthesis;
import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.Workspace;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral bench`: how fast a model runs here.
@Command(
        name = "bench",
        customSynopsis = "mixtral bench MODEL [--prefill=N] [--decode=N] [--repeat=N] [--json] [OPTION]...",
        description = "Measures prefill and decode speed on random tokens and prints the medians.",
        footer = {
            "",
            "Random tokens, because a repeated one would always go to the same experts.",
            "For a slice that `mixtral synth --layers` made, the speed of all layers is projected from it."
        })
final class BenchCommand implements Callable<Integer> {
    private static final long WARM_UP_NANOS = 2_000_000_000L;

    private final Console console;

    @Parameters(paramLabel = "MODEL", description = "A GGUF file, or a Hugging Face or Mistral folder.")
    private Path path;

    @Option(
            names = "--prefill",
            paramLabel = "N",
            defaultValue = "512",
            description = "Tokens of the prompt, computed at once (default: ${DEFAULT-VALUE}).")
    private int prefill;

    @Option(
            names = "--decode",
            paramLabel = "N",
            defaultValue = "64",
            description = "Tokens computed one by one after it (default: ${DEFAULT-VALUE}).")
    private int decode;

    @Option(
            names = "--repeat",
            paramLabel = "N",
            defaultValue = "3",
            description = "Measurements after a warm-up (default: ${DEFAULT-VALUE}).")
    private int repeat;

    @Option(names = "--seed", paramLabel = "S", defaultValue = "1", description = "Seed of the random tokens.")
    private long seed;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Mixin
    private ModelOptions options;

    BenchCommand(Console console) {
        this.console = console;
    }

    /// Seconds of one measurement.
    private record Sample(double prefillSeconds, double decodeSeconds) {}

    @Override
    public Integer call() throws IOException {
        ModelOptions.positive("--prefill", prefill);
        ModelOptions.positive("--decode", decode);
        ModelOptions.positive("--repeat", repeat);
        try (OpenModel model = options.open(console, path)) {
            MixtralConfig config = model.config();
            if (prefill + decode > config.contextLength()) {
                throw new IllegalArgumentException("--prefill and --decode together must be at most "
                        + config.contextLength() + ", the model's context length, got " + (prefill + decode));
            }
            try (KvCache cache = KvCache.allocate(config, prefill + decode, options.kvType());
                    Workspace work = Workspace.allocate(config, prefill, 1)) {
                warmUp(model, cache, work);
                Sample[] samples = new Sample[repeat];
                for (int i = 0; i < repeat; i++) {
                    samples[i] = measure(model, cache, work, prefill, decode);
                    console.message(String.format(
                            Locale.ROOT,
                            "%d of %d: prefill %.2f tokens/s, decode %.2f tokens/s",
                            i + 1,
                            repeat,
                            prefill / samples[i].prefillSeconds,
                            decode / samples[i].decodeSeconds));
                }
                print(describe(model, samples));
            }
        }
        return Main.OK;
    }

    /// Runs until the JVM has compiled the loops.
    private void warmUp(OpenModel model, KvCache cache, Workspace work) {
        long end = System.nanoTime() + WARM_UP_NANOS;
        do {
            Sample _ = measure(model, cache, work, Math.min(prefill, 128), Math.min(decode, 16));
        } while (System.nanoTime() < end);
    }

    private Sample measure(OpenModel model, KvCache cache, Workspace work, int prompt, int generated) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] tokens =
                random.ints(prompt + generated, 0, model.config().vocabSize()).toArray();
        int sequence = cache.openSequence();
        try {
            long start = System.nanoTime();
            model.model().forward(Batch.ofSequence(sequence, 0, tokens, 0, prompt), cache, work);
            long prefilled = System.nanoTime();
            for (int i = prompt; i < tokens.length; i++) {
                model.model().forward(Batch.ofSequence(sequence, i, tokens, i, 1), cache, work);
            }
            return new Sample((prefilled - start) / 1e9, (System.nanoTime() - prefilled) / 1e9);
        } finally {
            cache.closeSequence(sequence);
        }
    }

    private Map<String, Object> describe(OpenModel model, Sample[] samples) {
        double prefillSeconds = median(
                Arrays.stream(samples).mapToDouble(Sample::prefillSeconds).toArray());
        double decodeSeconds =
                median(Arrays.stream(samples).mapToDouble(Sample::decodeSeconds).toArray()) / decode;
        ModelSizes sizes = ModelSizes.of(model.config(), model.loaded().weights());
        OptionalLong peak = Machine.peakResidentBytes();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("prefill_tokens_per_second", prefill / prefillSeconds);
        result.put("decode_tokens_per_second", 1 / decodeSeconds);
        result.put("time_to_first_token_seconds", prefillSeconds);
        result.put("peak_rss_bytes", peak.isPresent() ? (@Nullable Long) peak.getAsLong() : null);
        result.put("weight_bytes_per_token", sizes.bytesPerToken());
        result.put("kernels", model.kernels().name());
        result.put("kernels_description", model.kernels().description());
        result.put("threads", model.kernels().threads());
        result.put("prefill", prefill);
        result.put("decode", decode);
        result.put("repeat", repeat);
        OptionalInt fullLayers = fullLayers(model);
        if (fullLayers.isPresent()) {
            result.put("projection", projection(model, sizes, prefillSeconds, decodeSeconds, fullLayers.getAsInt()));
        }
        return result;
    }

    /// Layers of the model of which the file is a slice, if it is one.
    private static OptionalInt fullLayers(OpenModel model) {
        return model.loaded().checkpoint() instanceof GgufCheckpoint gguf
                        && gguf.metadata().has(Synthesis.FULL_LAYERS)
                ? OptionalInt.of(Math.toIntExact(gguf.metadata().integer(Synthesis.FULL_LAYERS)))
                : OptionalInt.empty();
    }

    /// Decode is bound by reading weights and prefill by arithmetic, of which the layers do nearly all: so the one
    /// grows with the bytes per token and the other with the layers.
    private Map<String, Object> projection(
            OpenModel model, ModelSizes sizes, double prefillSeconds, double decodeSeconds, int fullLayers) {
        double layers = (double) fullLayers / model.config().numLayers();
        double bytes = sizes.layerBytesPerToken() * layers + sizes.headBytesPerToken();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("layers", fullLayers);
        result.put("prefill_tokens_per_second", prefill / (prefillSeconds * layers));
        result.put("decode_tokens_per_second", sizes.bytesPerToken() / (decodeSeconds * bytes));
        result.put("time_to_first_token_seconds", prefillSeconds * layers);
        result.put("weight_bytes_per_token", Math.round(bytes));
        return result;
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        int middle = values.length / 2;
        return values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }

    private void print(Map<String, Object> result) {
        if (json) {
            Json.print(console, result);
            return;
        }
        result.forEach((key, value) -> {
            if (value instanceof Map<?, ?> nested) {
                console.println(key + ":");
                nested.forEach((k, v) -> console.println("  " + line(k, v)));
            } else {
                console.println(line(key, value));
            }
        });
    }

    private static String line(Object key, @Nullable Object value) {
        return value instanceof Double number
                ? String.format(Locale.ROOT, "%s: %.2f", key, number)
                : key + ": " + value;
    }
}
