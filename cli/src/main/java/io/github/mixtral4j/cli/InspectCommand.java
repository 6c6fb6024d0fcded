package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.LoadMode;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadOptions;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral inspect`: what is in a model, and what it needs.
@Command(
        name = "inspect",
        customSynopsis = "mixtral inspect MODEL [--json] [--context=N] [--kv-type=TYPE]",
        description = "Shows the architecture of a model, its size, the memory it needs, and its tensors.")
final class InspectCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "MODEL", description = "A GGUF file, or a Hugging Face or Mistral folder.")
    private Path path;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Tokens to reckon the memory for; default: the model's context length.")
    private @Nullable Integer context;

    @Option(
            names = "--kv-type",
            paramLabel = "TYPE",
            defaultValue = "f16",
            description = "Format of the key/value cache to reckon with: f16, f32 or q8_0; default: f16.")
    private String kvType;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    InspectCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        int asked = context == null ? 0 : ModelOptions.positive("--context", context);
        DType cacheType = ModelOptions.kvType(kvType);
        // Nothing runs: to move the weights into huge pages would only read the whole file.
        try (LoadedModel model = ModelLoader.load(path, LoadOptions.DEFAULT.withMode(LoadMode.MMAP))) {
            Map<String, Object> facts = facts(model, asked == 0 ? model.config().contextLength() : asked, cacheType);
            if (json) {
                facts.put(
                        "tensors",
                        model.checkpoint().tensors().values().stream()
                                .map(InspectCommand::describe)
                                .toList());
                Json.print(console, facts);
            } else {
                print(model, facts);
            }
        }
        return Main.OK;
    }

    private static Map<String, Object> facts(LoadedModel model, int contextLength, DType kvType) {
        MixtralConfig config = model.config();
        ModelSizes sizes = ModelSizes.of(config, model.weights());
        Map<String, Long> bytesPerFormat = new TreeMap<>();
        long weightBytes = 0;
        for (Tensor tensor : model.checkpoint().tensors().values()) {
            bytesPerFormat.merge(tensor.dtype().name(), tensor.data().byteSize(), Long::sum);
            weightBytes += tensor.data().byteSize();
        }
        long kvBytesPerToken = KvCache.bytesPerToken(config, kvType);
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("path", model.checkpoint().path().toString());
        facts.put("container", Json.name(model.naming()));
        facts.put("architecture", architecture(config));
        facts.put("parameters_total", sizes.parameters());
        facts.put("parameters_active", sizes.activeParameters());
        facts.put("file_bytes", model.checkpoint().totalBytes());
        facts.put("weight_bytes", weightBytes);
        facts.put("bytes_per_format", bytesPerFormat);
        facts.put("weight_bytes_per_token", sizes.bytesPerToken());
        facts.put("kv_type", kvType.name());
        facts.put("kv_bytes_per_token", kvBytesPerToken);
        facts.put("context_length", contextLength);
        facts.put("memory_bytes", weightBytes + kvBytesPerToken * contextLength);
        facts.put("kernels", Kernels.describeAutomatic());
        return facts;
    }

    private static Map<String, Object> architecture(MixtralConfig config) {
        Map<String, Object> numbers = new LinkedHashMap<>();
        numbers.put("hidden_size", config.hiddenSize());
        numbers.put("intermediate_size", config.intermediateSize());
        numbers.put("num_layers", config.numLayers());
        numbers.put("num_heads", config.numHeads());
        numbers.put("num_kv_heads", config.numKvHeads());
        numbers.put("head_dim", config.headDim());
        numbers.put("vocab_size", config.vocabSize());
        numbers.put("num_experts", config.numExperts());
        numbers.put("num_experts_per_token", config.numExpertsPerToken());
        numbers.put("context_length", config.contextLength());
        numbers.put("rms_norm_eps", config.rmsNormEps());
        numbers.put("rope_theta", config.ropeTheta());
        numbers.put("rope_layout", Json.name(config.rope()));
        return numbers;
    }

    private static Map<String, Object> describe(Tensor tensor) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("name", tensor.name());
        result.put("format", tensor.dtype().name());
        result.put(
                "shape",
                IntStream.range(0, tensor.shape().rank())
                        .map(tensor.shape()::dim)
                        .toArray());
        result.put("bytes", tensor.data().byteSize());
        return result;
    }

    private void print(LoadedModel model, Map<String, Object> facts) {
        facts.forEach((key, value) -> {
            if (value instanceof Map<?, ?> nested) {
                console.println(key + ":");
                nested.forEach((k, v) -> console.println("  " + k + ": " + human(k.toString(), v)));
            } else {
                console.println(key + ": " + human(key, value));
            }
        });
        List<Tensor> tensors = List.copyOf(model.checkpoint().tensors().values());
        console.println("tensors: " + tensors.size());
        for (Tensor tensor : tensors) {
            console.println(
                    String.format(Locale.ROOT, "  %-36s %-5s %s", tensor.name(), tensor.dtype(), tensor.shape()));
        }
    }

    private static String human(String key, @Nullable Object value) {
        if (!(value instanceof Long number)) {
            return String.valueOf(value);
        }
        return key.startsWith("parameters")
                ? String.format(Locale.ROOT, "%.2f billion", number / 1e9)
                : number + " (" + bytes(number) + ")";
    }

    private static String bytes(long count) {
        List<String> units = List.of("bytes", "kB", "MB", "GB", "TB");
        double amount = count;
        int unit = 0;
        for (; amount >= 1000 && unit < units.size() - 1; unit++) {
            amount /= 1000;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.2f %s", amount, units.get(unit));
    }
}
