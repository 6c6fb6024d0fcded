package io.github.mixtral4j.cli;

import io.github.mixtral4j.cli.BenchRoofline.Phase;
import io.github.mixtral4j.cli.BenchSequences.Group;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral bench`: how fast a model runs here.
@Command(
        name = "bench",
        customSynopsis = {
            "mixtral bench MODEL [--prefill=N] [--decode=N] [--repeat=N] [--context=N] [--json] [OPTION]...",
            "       mixtral bench [MODEL] --roofline [--json] [OPTION]..."
        },
        description = "Measures prefill and decode speed on random tokens and prints the medians.",
        footer = {
            "",
            "Random tokens, because a repeated one would always go to the same experts.",
            "For a slice that `mixtral synth --layers` made, the speed of all layers is projected from it.",
            "Measuring begins when the weights have moved into huge pages (--load).",
            "",
            "--roofline measures, with the same threads and kernels, how fast this machine reads memory (a buffer much"
                    + " larger than its caches, in huge pages where there are any) and how fast the kernels multiply"
                    + " while weights and activations stay in the cache: in C by the functions themselves, for one row,"
                    + " a batch and a prompt; in Java by the dot products of one row and by the inner loop for many."
                    + " With a MODEL it counts the bytes and operations that a token takes at the least, where a batch"
                    + " reads each expert that it meets once, and prints how near the model comes to both limits."
        })
final class BenchCommand implements Callable<Integer> {
    /// Formats whose peaks are measured without a model.
    private static final List<DType> USUAL_TYPES = List.of(DType.Q4_K, DType.Q8_0, DType.BF16);

    private final Console console;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description = "A GGUF file, or a Hugging Face or Mistral folder. Only --roofline does without.")
    private @Nullable Path path;

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

    @Option(
            names = "--context",
            paramLabel = "N",
            description =
                    "Also measure decode after N tokens, which are random keys and values, beside decode after none.")
    private @Nullable Integer context;

    @Option(names = "--seed", paramLabel = "S", defaultValue = "1", description = "Seed of the random tokens.")
    private long seed;

    @Option(
            names = "--sequences",
            paramLabel = "N",
            split = ",",
            description =
                    "So many sequences, each with a prompt of its own, that decode together, beside one alone; several"
                            + " numbers with commas.")
    private List<Integer> sequences = List.of();

    @Option(names = "--roofline", description = "What this machine could do, and how near the model comes; see below.")
    private boolean roofline;

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
        if (context != null) {
            ModelOptions.positive("--context", context);
        }
        BenchSequences.check(sequences);
        if (path == null && !roofline) {
            throw new IllegalArgumentException("give a MODEL, or --roofline to measure the machine alone");
        }
        BenchReport report = new BenchReport();
        List<Phase> phases = List.of();
        List<DType> types = USUAL_TYPES;
        if (path != null) {
            try (OpenModel model = options.open(console, path)) {
                phases = measure(model, report);
                types = Stream.of(BenchRoofline.mainType(model), DType.BF16)
                        .distinct()
                        .toList();
            }
        }
        if (roofline) {
            // After the model has gone: nothing moves its pages any more, and the buffer has room.
            try (Kernels kernels = options.startKernels()) {
                BenchRoofline limits = BenchRoofline.measure(kernels, types);
                report.add("roofline", limits.figures(phases), limits.lines(phases));
            }
        }
        report.print(console, json);
        return Main.OK;
    }

    /// Everything about the model; returns what may be compared with the machine's limits.
    private List<Phase> measure(OpenModel model, BenchReport report) {
        DType kvType = options.kvType();
        if (context != null) {
            BenchContext.requireRoom(model, context, decode);
        }
        model.loaded().checkpoint().settle();
        BenchSpeed speed = BenchSpeed.measure(console, model, kvType, prefill, decode, repeat, seed);
        report.add(model, speed);
        int before = prefill + decode / 2;
        List<Phase> phases = new ArrayList<>();
        phases.add(Phase.prefill(StepWork.of(model, kvType, 1, prefill, 0), speed.prefillSeconds()));
        phases.add(Phase.decode(StepWork.of(model, kvType, 1, 1, before), speed.decodeSecondsPerToken()));
        if (context != null) {
            report.add(
                    "context",
                    BenchContext.measure(console, model, kvType, context, decode, repeat, seed)
                            .figures());
        }
        if (!sequences.isEmpty()) {
            BenchSequences together =
                    BenchSequences.measure(console, model, kvType, prefill, decode, repeat, seed, sequences);
            report.add("sequences", together.figures(), together.lines());
            for (Group group : together.groups().subList(1, together.groups().size())) {
                StepWork work = StepWork.of(model, kvType, group.size(), 1, before);
                phases.add(Phase.decode(work, together.secondsPerStep(group)));
            }
        }
        return phases;
    }
}
