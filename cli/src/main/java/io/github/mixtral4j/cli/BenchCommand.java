package io.github.mixtral4j.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
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

    @Override
    public Integer call() throws IOException {
        ModelOptions.positive("--prefill", prefill);
        ModelOptions.positive("--decode", decode);
        ModelOptions.positive("--repeat", repeat);
        try (OpenModel model = options.open(console, path)) {
            BenchSpeed speed = BenchSpeed.measure(console, model, options.kvType(), prefill, decode, repeat, seed);
            Map<String, Object> figures = BenchReport.describe(model, speed);
            if (json) {
                Json.print(console, figures);
            } else {
                BenchReport.print(console, figures);
            }
        }
        return Main.OK;
    }
}
