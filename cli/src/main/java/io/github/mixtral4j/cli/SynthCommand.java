package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.cli.synth.Preset;
import io.github.mixtral4j.cli.synth.QuantMix;
import io.github.mixtral4j.cli.synth.Synthesis;
import io.github.mixtral4j.load.TokenizerLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral synth`: a checkpoint of a real geometry with random weights.
@Command(
        name = "synth",
        customSynopsis = "mixtral synth --preset=NAME --type=TYPE [OPTION]... OUT.gguf",
        description = "Writes a GGUF file with the geometry of a real model and random weights, to measure how fast the"
                + " real one would be here without downloading it.",
        footer = {
            "",
            "Example: mixtral synth --preset 8x22b --layers 4 --type Q4_K_M slice.gguf",
            "         mixtral bench slice.gguf"
        })
final class SynthCommand implements Callable<Integer> {
    private final Console console;

    @Option(
            names = "--preset",
            required = true,
            paramLabel = "NAME",
            description = "8x22b, 8x7b, or tiny (2 layers of width 256).")
    private String preset;

    @Option(names = "--layers", paramLabel = "N", description = "Only the first N layers; default: all.")
    private @Nullable Integer layers;

    @Option(
            names = "--type",
            required = true,
            paramLabel = "TYPE",
            description = "Format of the weights: a mix as llama.cpp makes it for eight experts (Q2_K, Q3_K_S, Q3_K_M,"
                    + " Q4_0, Q4_1, Q4_K_S, Q4_K_M, Q5_0, Q5_1, Q5_K_S, Q5_K_M, Q6_K, Q8_0), or one format throughout"
                    + " (F32, F16, BF16, Q3_K, Q4_K, Q5_K).")
    private String type;

    @Option(
            names = "--tokenizer",
            paramLabel = "PATH",
            description =
                    "Tokenizer to put into the file: tokenizer.model, tokenizer.json, GGUF or model folder. Its size"
                            + " becomes the vocabulary size. Default: made-up words and the preset's size.")
    private @Nullable Path tokenizer;

    @Option(
            names = "--seed",
            paramLabel = "S",
            defaultValue = "1",
            description = "Same seed, same file (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Parameters(paramLabel = "OUT", description = "The GGUF file to write; it appears when it is complete.")
    private Path out;

    SynthCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        Preset geometry = Preset.of(preset);
        Synthesis synthesis = new Synthesis(
                geometry,
                layers == null ? geometry.config().numLayers() : layers,
                QuantMix.of(type),
                tokenizer == null
                        ? Synthesis.placeholder(geometry)
                        : TokenizerLoader.open(tokenizer).vocabulary(),
                seed);
        Path folder = out.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new CommandException(out + ": there is no folder " + folder);
        }
        long total = synthesis.tensors().stream().mapToLong(TensorInfo::bytes).sum();
        long start = System.nanoTime();
        Progress progress = new Progress(console, "writing " + out);
        AtomicLong done = new AtomicLong();
        synthesis.write(out, 2, bytes -> progress.loaded(done.addAndGet(bytes), total));
        double seconds = (System.nanoTime() - start) / 1e9;
        console.message(String.format(
                Locale.ROOT, "%s: %.2f GB in %.1f s (%.2f GB/s)", out, total / 1e9, seconds, total / 1e9 / seconds));
        return Main.OK;
    }
}
