package io.github.mixtral4j.nano;

import io.github.mixtral4j.generate.GenerationException;
import io.github.mixtral4j.nano.data.DataSet;
import io.github.mixtral4j.nano.eval.Evaluation;
import io.github.mixtral4j.nano.eval.ModelCard;
import io.github.mixtral4j.nano.eval.Report;
import io.github.mixtral4j.nano.eval.Task;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The steps of `nano/train-nano` that are neither training nor fetching.
/// ```
/// data NPM-FOLDER DATA-FOLDER SIZE          all samples, 1 being the whole size
/// pack MODEL TARGET.gguf                    the model in Q8_0
/// evaluate MODEL DATA-FOLDER REPORT.json    held-out tasks, perplexity, expert load
/// card MODEL DATA-FOLDER REPORT.json CARD.md   the same, and the figures into the card
/// ```
public final class NanoTools {
    /// Day of the release of Mixtral 8x22B.
    private static final long SEED = 20_240_417;

    private NanoTools() {}

    /// Runs one step; ends the process with 1 and a line when that fails.
    public static void main(String[] args) throws InterruptedException {
        try {
            run(List.of(args), new PrintStream(System.out, true, StandardCharsets.UTF_8));
        } catch (IOException | IllegalArgumentException | GenerationException e) {
            System.err.println("nano: " + e.getMessage());
            System.exit(1);
        }
    }

    static void run(List<String> args, PrintStream out) throws IOException, InterruptedException {
        List<Path> paths = args.stream().skip(1).limit(3).map(Path::of).toList();
        switch (args.isEmpty() ? "" : args.getFirst() + " " + (args.size() - 1)) {
            case "data 3" -> out.println(DataSet.write(paths.get(0), paths.get(1), SEED, size(args.get(3))));
            case "pack 2" -> Packing.pack(paths.get(0), paths.get(1));
            case "evaluate 3" -> out.print(evaluate(paths).sections().get("aims"));
            case "card 4" -> {
                Path card = Path.of(args.get(4));
                Report report = evaluate(paths);
                Files.writeString(card, ModelCard.fill(Files.readString(card), report.sections()));
                out.print(report.sections().get("aims"));
            }
            default ->
                throw new IllegalArgumentException("expected data NPM DATA SIZE, pack MODEL TARGET, evaluate MODEL DATA"
                        + " REPORT or card MODEL DATA REPORT CARD, got " + String.join(" ", args));
        }
    }

    private static double size(String text) {
        double size = Double.parseDouble(text);
        if (!(size > 0 && size <= 10)) {
            throw new IllegalArgumentException("the size must be above 0 and at most 10, got " + text);
        }
        return size;
    }

    private static Report evaluate(List<Path> paths) throws IOException, InterruptedException {
        List<Task> tasks = Task.readAll(paths.get(1).resolve("heldout/tasks.jsonl"));
        Report report = Evaluation.run(paths.get(0), tasks, Runtime.getRuntime().availableProcessors());
        Files.writeString(paths.get(2), report.json());
        return report;
    }
}
