package io.github.mixtral4j.cli;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.train.data.Dataset.Summary;
import io.github.mixtral4j.train.loop.Outcome;
import io.github.mixtral4j.train.loop.Outcome.End;
import io.github.mixtral4j.train.loop.StepMetrics;
import io.github.mixtral4j.train.loop.TrainConfig;
import io.github.mixtral4j.train.loop.Training;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `mixtral train`: a model learns.
@Command(
        name = "train",
        customSynopsis = "mixtral train CONFIG [--resume] [--json] [OPTION]...",
        description = "Trains a model, or an adapter on top of one, as a YAML file says.",
        footer = {
            "",
            "docs/reference/train.md explains the file. The output folder gets model.gguf or the adapter,"
                    + " checkpoints, metrics.jsonl and report.html.",
            "Ctrl-C finishes the step, saves and ends with exit code 130; --resume goes on from there, to the same"
                    + " losses. A second Ctrl-C ends at once."
        })
final class TrainCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "CONFIG", description = "A YAML file.")
    private Path file;

    @Option(
            names = "--resume",
            description = "Go on with the run in the output folder, from its last checkpoint; if there is none, begin.")
    private boolean resume;

    @Option(names = "--json", description = "Print one JSON object at the end.")
    private boolean json;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute; default: one per core.")
    private @Nullable Integer threads;

    @Option(
            names = "--kernels",
            paramLabel = "KIND",
            defaultValue = "auto",
            description = "scalar, vector, native or auto, the best that works; default: auto.")
    private String kernels;

    TrainCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        KernelKind kind = KernelKind.of(kernels);
        int count = threads == null ? Machine.physicalCores() : ModelOptions.positive("--threads", threads);
        TrainConfig config = TrainConfig.read(file);
        try (Kernels started = ModelOptions.start(kind, count);
                TrainProgress progress = new TrainProgress(console);
                Training training = Training.open(config, started, resume, progress);
                StopSignals signals = new StopSignals(training::stop)) {
            introduce(training, started);
            Outcome outcome = training.run();
            progress.close();
            List<Path> written = outcome.end() == End.INTERRUPTED ? List.of() : training.export();
            print(outcome, training, written);
            return outcome.end() == End.INTERRUPTED ? signals.exitCode() : Main.OK;
        } catch (OutOfMemoryError e) {
            throw new CommandException(file + ": out of memory (" + Failures.firstLine(e.getMessage())
                    + "); a smaller data.batch_tokens, recompute: true or lora need less");
        }
    }

    private void introduce(Training training, Kernels started) {
        console.message(String.format(
                Locale.ROOT, "%s: %,d parameters to train, %s", file, training.parameters(), started.description()));
        console.message("training: " + describe(training.trainSummary()));
        if (training.evalSummary().samples() > 0) {
            console.message("evaluation: " + describe(training.evalSummary()));
        }
    }

    private static String describe(Summary data) {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%,d samples of %,d tokens, %,d of them learnt",
                data.samples(),
                data.tokens(),
                data.trainedTokens()));
        if (data.cut() > 0) {
            text.append(String.format(
                    Locale.ROOT, "; %,d are longer than data.sequence_length and lost their end", data.cut()));
        }
        if (data.empty() > 0) {
            text.append(String.format(Locale.ROOT, "; %,d hold nothing to learn and are left out", data.empty()));
        }
        return text.toString();
    }

    private void print(Outcome outcome, Training training, List<Path> written) {
        if (json) {
            Json.print(console, describe(outcome, training, written));
            return;
        }
        String losses = outcome.last()
                .map(last -> String.format(Locale.ROOT, ", loss %.4f", last.loss())
                        + last.evaluation()
                                .map(evaluated -> String.format(Locale.ROOT, ", evaluation %.4f", evaluated.loss()))
                                .orElse(""))
                .orElse("");
        String end = switch (outcome.end()) {
            case FINISHED -> "finished";
            case STOPPED_EARLY -> "stopped early";
            case INTERRUPTED -> "interrupted";
        };
        console.println(end + " after step " + outcome.step() + " of " + outcome.steps() + losses);
        for (Path path : written) {
            console.println("wrote " + path);
        }
        if (outcome.end() == End.INTERRUPTED) {
            console.println(outcome.checkpoint()
                    .map(path -> "saved " + path + "; --resume goes on from there")
                    .orElse("nothing was saved yet"));
        } else {
            console.println("wrote " + training.folder().report());
        }
    }

    private static Map<String, Object> describe(Outcome outcome, Training training, List<Path> written) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("end", Json.name(outcome.end()));
        object.put("step", outcome.step());
        object.put("steps", outcome.steps());
        outcome.last().ifPresent(last -> describe(last, object));
        outcome.checkpoint().ifPresent(path -> object.put("checkpoint", path.toString()));
        object.put("metrics", training.folder().metrics().toString());
        object.put("report", training.folder().report().toString());
        object.put("written", written.stream().map(Path::toString).toList());
        return object;
    }

    private static void describe(StepMetrics last, Map<String, Object> object) {
        object.put("loss", last.loss());
        last.evaluation().ifPresent(evaluated -> object.put("eval_loss", evaluated.loss()));
        object.put("tokens", last.tokens());
        object.put("seconds", last.seconds());
        object.put("tokens_per_second", last.seconds() > 0 ? last.tokens() / last.seconds() : 0);
    }
}
