package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.cli.synth.Synthesis;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// What `mixtral bench` prints: figures by their name, as JSON or as lines. Names and units are a contract.
final class BenchReport {
    private final Map<String, Object> figures = new LinkedHashMap<>();
    private final List<String> lines = new ArrayList<>();

    /// Adds the figures of one sequence.
    void add(OpenModel model, BenchSpeed speed) {
        Map<String, Object> described = describe(model, speed);
        figures.putAll(described);
        described.forEach((key, value) -> {
            if (value instanceof Map<?, ?> nested) {
                addLines(key, nested);
            } else {
                lines.add(line(key, value));
            }
        });
    }

    /// Adds figures that belong together.
    void add(String key, Map<String, Object> nested) {
        figures.put(key, nested);
        addLines(key, nested);
    }

    private void addLines(String key, Map<?, ?> nested) {
        lines.add(key + ":");
        nested.forEach((k, v) -> lines.add("  " + line(k, v)));
    }

    /// Adds what else was measured.
    ///
    /// @param json its figures, to stand under `key` in JSON
    /// @param text the same for people
    void add(String key, Object json, List<String> text) {
        figures.put(key, json);
        lines.addAll(text);
    }

    /// Prints everything.
    void print(Console console, boolean json) {
        if (json) {
            Json.print(console, figures);
        } else {
            lines.forEach(console::println);
        }
    }

    private static Map<String, Object> describe(OpenModel model, BenchSpeed speed) {
        ModelSizes sizes = ModelSizes.of(model.config(), model.loaded().weights());
        OptionalLong peak = Machine.peakResidentBytes();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("prefill_tokens_per_second", speed.prefill() / speed.prefillSeconds());
        result.put("decode_tokens_per_second", 1 / speed.decodeSecondsPerToken());
        result.put("time_to_first_token_seconds", speed.prefillSeconds());
        result.put("peak_rss_bytes", peak.isPresent() ? (@Nullable Long) peak.getAsLong() : null);
        result.put("weight_bytes_per_token", sizes.bytesPerToken());
        result.put("kernels", model.kernels().name());
        result.put("kernels_description", model.kernels().description());
        result.put("threads", model.kernels().threads());
        result.put("prefill", speed.prefill());
        result.put("decode", speed.decode());
        result.put("repeat", speed.samples().size());
        OptionalInt fullLayers = fullLayers(model);
        if (fullLayers.isPresent()) {
            result.put("projection", projection(model, sizes, speed, fullLayers.getAsInt()));
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
    private static Map<String, Object> projection(OpenModel model, ModelSizes sizes, BenchSpeed speed, int fullLayers) {
        double layers = (double) fullLayers / model.config().numLayers();
        double bytes = sizes.layerBytesPerToken() * layers + sizes.headBytesPerToken();
        double prefillSeconds = speed.prefillSeconds() * layers;
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("layers", fullLayers);
        result.put("prefill_tokens_per_second", speed.prefill() / prefillSeconds);
        result.put("decode_tokens_per_second", sizes.bytesPerToken() / (speed.decodeSecondsPerToken() * bytes));
        result.put("time_to_first_token_seconds", prefillSeconds);
        result.put("weight_bytes_per_token", Math.round(bytes));
        return result;
    }

    private static String line(Object key, @Nullable Object value) {
        return value instanceof Double number
                ? String.format(Locale.ROOT, "%s: %.2f", key, number)
                : key + ": " + value;
    }
}
