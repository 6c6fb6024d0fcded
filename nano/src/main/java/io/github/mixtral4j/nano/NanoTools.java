package io.github.mixtral4j.nano;

import io.github.mixtral4j.checkpoint.AtomicFile;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.generate.GenerationException;
import io.github.mixtral4j.nano.data.DataSet;
import io.github.mixtral4j.nano.eval.Evaluation;
import io.github.mixtral4j.nano.eval.ModelCard;
import io.github.mixtral4j.nano.eval.Report;
import io.github.mixtral4j.nano.eval.Task;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tokenizer.TokenizerException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The steps of `nano/train-nano` and `nano/try-adapters` that are neither training nor fetching.
/// ```
/// data NPM-FOLDER DATA-FOLDER SIZE          all samples, 1 being the whole size
/// pack MODEL TARGET.gguf TYPE               the model as a GGUF file, matrices in TYPE
/// card MODEL DATA-FOLDER REPORT.json CARD   held-out tasks, perplexity and expert load, into the card too
/// reversing DATA-FOLDER                     samples and tasks to try adapters on
/// mark MODEL TASKS.jsonl [ADAPTER]          how many tasks the model does right, by kind
/// ```
public final class NanoTools {
    /// Day of the release of Mixtral 8x22B.
    private static final long SEED = 20_240_417;

    private NanoTools() {}

    /// Runs one step; ends the process with 1 and a line when that fails.
    public static void main(String[] args) throws InterruptedException {
        try {
            run(List.of(args), new PrintStream(System.out, true, StandardCharsets.UTF_8));
        } catch (IOException
                | IllegalArgumentException
                | CheckpointException
                | TokenizerException
                | GenerationException e) {
            System.err.println("nano: " + e.getMessage());
            System.exit(1);
        }
    }

    static void run(List<String> args, PrintStream out) throws IOException, InterruptedException {
        List<Path> paths = args.stream().skip(1).limit(3).map(Path::of).toList();
        switch (args.isEmpty() ? "" : args.getFirst() + " " + (args.size() - 1)) {
            case "data 3" -> out.println(DataSet.write(paths.get(0), paths.get(1), SEED, size(args.get(3))));
            case "pack 3" -> Packing.pack(paths.get(0), paths.get(1), DType.valueOf(args.get(3)));
            case "card 4" -> {
                Path card = Path.of(args.get(4));
                Report report = evaluate(paths);
                String filled = ModelCard.fill(Files.readString(card), report.sections());
                AtomicFile.write(card, filled.getBytes(StandardCharsets.UTF_8));
                out.print(report.sections().get("aims"));
            }
            case "reversing 1" -> DataSet.writeReversing(paths.get(0), SEED);
            case "mark 2", "mark 3" ->
                Evaluation.marks(paths.get(0), paths.subList(2, paths.size()), Task.readAll(paths.get(1)), threads())
                        .scores()
                        .forEach((kind, score) ->
                                out.println(kind + ": " + score.right() + " of " + score.tasks() + " right"));
            default ->
                throw new IllegalArgumentException("expected data NPM DATA SIZE, pack MODEL TARGET TYPE, card MODEL"
                        + " DATA REPORT CARD, reversing DATA or mark MODEL TASKS [ADAPTER], got "
                        + String.join(" ", args));
        }
    }

    private static double size(String text) {
        double size = Double.parseDouble(text);
        if (!(size > 0 && size <= 10)) {
            throw new IllegalArgumentException("the size must be above 0 and at most 10, got " + text);
        }
        return size;
    }

    private static int threads() {
        return Runtime.getRuntime().availableProcessors();
    }

    private static Report evaluate(List<Path> paths) throws IOException, InterruptedException {
        List<Task> tasks = Task.readAll(paths.get(1).resolve("heldout/tasks.jsonl"));
        Report report = Evaluation.run(paths.get(0), tasks, threads());
        AtomicFile.write(paths.get(2), report.json().getBytes(StandardCharsets.UTF_8));
        return report;
    }
}
