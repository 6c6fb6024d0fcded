package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.LoadMode;
import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadOptions;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How a model is opened and run: shared by the commands that compute.
final class ModelOptions {
    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute; default: one per core.")
    private @Nullable Integer threads;

    @Option(
            names = "--kernels",
            paramLabel = "KIND",
            defaultValue = "auto",
            description =
                    "scalar (the slow reference), vector (the Java Vector API), native (C for this processor), or "
                            + "auto, the best that works; default: auto.")
    private String kernels;

    @Option(
            names = "--load",
            paramLabel = "MODE",
            defaultValue = "auto",
            description = "mmap maps the files, copy reads them into memory with huge pages first, auto maps them and "
                    + "moves them into huge pages while the model runs, if memory allows; default: auto.")
    private String load;

    @Option(
            names = "--experts-per-token",
            paramLabel = "K",
            description = "Experts that a token goes to, instead of the model's own number.")
    private @Nullable Integer expertsPerToken;

    @Option(
            names = "--kv-type",
            paramLabel = "TYPE",
            description =
                    "Format of the key/value cache: f16, f32, or q8_0, which takes half the memory; default: f16, "
                            + "for logits f32.")
    private @Nullable String kvType;

    @Option(
            names = "--adapter",
            paramLabel = "PATH[=SCALE]",
            description =
                    "LoRA adapter to add to the model, SCALE times as strong (default: 1): a PEFT folder or a GGUF"
                            + " file. May be given several times.")
    private List<String> adapters = List.of();

    /// Opens a model to run.
    ///
    /// @throws IllegalArgumentException if an option's value is out of range, or makes no sense with this model
    OpenModel open(Console console, Path path) throws IOException {
        return open(console, path, null);
    }

    /// Opens a model to run with another context length.
    ///
    /// @param contextLength positions to allow instead of the model's own number, if given
    /// @throws IllegalArgumentException if an option's value is out of range, or makes no sense with this model
    OpenModel open(Console console, Path path, @Nullable Integer contextLength) throws IOException {
        var _ = kvType();
        KernelKind kind = KernelKind.of(kernels);
        int threadCount = threads();
        List<AdapterArgument> arguments =
                adapters.stream().map(AdapterArgument::parse).toList();
        LoadOptions options = LoadOptions.DEFAULT
                .withMode(loadMode())
                .withProgress(new Progress(console, "loading " + path))
                .withExpertsPerToken(expertsPerToken == null ? 0 : positive("--experts-per-token", expertsPerToken))
                .withContextLength(contextLength == null ? 0 : positive("--context", contextLength));
        LoadedModel loaded = ModelLoader.load(path, options);
        try {
            AdapterArgument.Opened opened = AdapterArgument.open(arguments, loaded.config());
            try {
                return open(loaded, opened, start(kind, threadCount));
            } catch (Throwable e) {
                opened.close();
                throw e;
            }
        } catch (Throwable e) {
            loaded.close();
            throw e;
        }
    }

    private static OpenModel open(LoadedModel loaded, AdapterArgument.Opened opened, Kernels started) {
        try {
            Mixtral model = new Mixtral(loaded.config(), loaded.weights(), started, opened.adapters());
            return new OpenModel(loaded, opened, started, model);
        } catch (Throwable e) {
            started.close();
            throw e;
        }
    }

    private int threads() {
        return threads == null ? Machine.physicalCores() : positive("--threads", threads);
    }

    /// Starts the kernels without a model.
    ///
    /// @throws IllegalArgumentException if an option's value is out of range
    Kernels startKernels() {
        return start(KernelKind.of(kernels), threads());
    }

    /// Starts kernels, or says why these do not run here.
    static Kernels start(KernelKind kind, int threads) {
        try {
            return Kernels.create(kind, threads);
        } catch (IllegalStateException e) { // they cannot run here
            throw new CommandException(Failures.firstLine(e.getMessage()));
        }
    }

    /// Format of the key/value cache.
    DType kvType() {
        return kvType(DType.F16);
    }

    /// Format of the key/value cache, or `unsaid` when the option is not given.
    DType kvType(DType unsaid) {
        return kvType == null ? unsaid : kvType(kvType);
    }

    /// The format of a key/value cache that an option names.
    static DType kvType(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "f16" -> DType.F16;
            case "f32" -> DType.F32;
            case "q8_0" -> DType.Q8_0;
            default -> throw new IllegalArgumentException("--kv-type must be f16, f32 or q8_0, got " + name);
        };
    }

    private LoadMode loadMode() {
        return switch (load.toLowerCase(Locale.ROOT)) {
            case "auto" -> LoadMode.AUTO;
            case "mmap" -> LoadMode.MMAP;
            case "copy" -> LoadMode.COPY;
            default -> throw new IllegalArgumentException("--load must be auto, mmap or copy, got " + load);
        };
    }

    /// Checks a count.
    ///
    /// @throws IllegalArgumentException naming the option
    static int positive(String option, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(option + " must be at least 1, got " + value);
        }
        return value;
    }
}
