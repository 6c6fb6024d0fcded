package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.LoadMode;
import io.github.mixtral4j.cli.merge.AdapterMerge;
import io.github.mixtral4j.load.AdapterLoader;
import io.github.mixtral4j.load.LoadOptions;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral merge-adapter`: a model with adapters added to its weights for good.
@Command(
        name = "merge-adapter",
        customSynopsis = "mixtral merge-adapter MODEL ADAPTER[=SCALE]... OUT [--threads=N]",
        description = "Writes a model with LoRA adapters merged into its weights. Container, formats, metadata and"
                + " tokenizer are those of MODEL; of quantized weights the changed ones are quantized anew.",
        footer = {
            "",
            "What `mixtral run MODEL --adapter ADAPTER` says, `mixtral run OUT` says too, but for that rounding.",
            "Examples:",
            "  mixtral merge-adapter mixtral-8x7b.Q8_0.gguf ./my-lora tuned.Q8_0.gguf",
            "  mixtral merge-adapter ./Mixtral-8x7B-v0.1 style.gguf=0.5 ./my-lora ./tuned"
        })
final class MergeAdapterCommand implements Callable<Integer> {
    private final Console console;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Tensors to merge at once; default: one per core.")
    private int threads;

    @Parameters(index = "0", paramLabel = "MODEL", description = "A GGUF file, or a Hugging Face or Mistral folder.")
    private Path path;

    @Parameters(
            index = "1..*",
            arity = "2..*",
            paramLabel = "ADAPTER[=SCALE]... OUT",
            hideParamSyntax = true,
            description = {
                "PEFT folders or GGUF adapters, SCALE times as strong (default: 1); last the file to write, for a folder"
                        + " the folder. It appears when it is complete."
            })
    private List<String> arguments;

    MergeAdapterCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        int workers = threads == 0 ? Machine.physicalCores() : ModelOptions.positive("--threads", threads);
        Path out = Path.of(arguments.getLast());
        List<AdapterArgument> adapters = arguments.subList(0, arguments.size() - 1).stream()
                .map(AdapterArgument::parse)
                .toList();
        Path folder = out.toAbsolutePath().normalize().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new CommandException(out + ": there is no folder " + folder);
        }
        try (LoadedModel base = ModelLoader.load(path, LoadOptions.DEFAULT.withMode(LoadMode.MMAP));
                AdapterArgument.Opened opened = AdapterArgument.open(adapters, base.config())) {
            requireFresh(base, out);
            long start = System.nanoTime();
            AdapterMerge merge = new AdapterMerge(base, opened.adapters(), new Progress(console, "writing " + out));
            merge(merge, out, workers);
            console.message(String.format(
                    Locale.ROOT,
                    "%s: %d of %d tensors changed, %.2f GB in %.1f s",
                    out,
                    merge.changedTensors(),
                    base.checkpoint().tensors().size(),
                    merge.totalBytes() / 1e9,
                    (System.nanoTime() - start) / 1e9));
        }
        return Main.OK;
    }

    /// What a merged number does to a format is no mistake of the command line.
    private static void merge(AdapterMerge merge, Path out, int workers) throws IOException {
        try {
            merge.write(out, workers);
        } catch (IllegalArgumentException e) {
            throw new CommandException(Failures.firstLine(e.getMessage()));
        }
    }

    /// A base is never overwritten, nor a part of one, nor any adapter: perhaps OUT was forgotten. A
    /// folder is never mixed with another.
    private static void requireFresh(LoadedModel base, Path out) throws IOException {
        if (!Files.exists(out)) {
            return;
        }
        if (isInput(base.checkpoint(), out)) {
            throw new IllegalArgumentException(
                    "OUT must be no adapter and no file of MODEL, got " + out + "; name the file to write last");
        }
        if (base.checkpoint() instanceof GgufCheckpoint && Files.isDirectory(out)) {
            throw new CommandException(out + ": is a folder; name the GGUF file to write");
        }
    }

    private static boolean isInput(Checkpoint base, Path out) throws IOException {
        try (Checkpoint found = Checkpoint.open(out)) {
            return AdapterLoader.isAdapter(found) || Files.isSameFile(found.path(), base.path());
        } catch (CheckpointException | NoSuchFileException e) {
            // Something else, perhaps a part of a model: it may be replaced.
            return false;
        }
    }
}
