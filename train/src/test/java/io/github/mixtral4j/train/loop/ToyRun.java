package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.train.data.Dataset;
import io.github.mixtral4j.train.model.Parameter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Runs of a [ToyModel] on made-up texts.
final class ToyRun {
    private static final Tokenizer TOKENIZER = Tokenizer.of(
            SentencePieceModel.parse("tiny.model", TinyTokenizer.v3(1500).sentencePieceModel()));

    static final String TWENTY = "steps: 20\ncheckpoints: {every: 5}\nevaluation: {every: 4}\n"
            + "data: {train: train.jsonl, eval: eval.jsonl, sequence_length: 16, batch_tokens: 64}\n";

    private final Path folder;
    final List<String> messages = new ArrayList<>();
    private BiConsumer<Trainer, StepMetrics> afterStep = (_, _) -> {};
    private BiConsumer<Trainer, Integer> inStep = (_, _) -> {};
    private UnaryOperator<ToyModel> change = UnaryOperator.identity();
    private int threads = 1;

    /// @param folder for data, config and output
    ToyRun(Path folder) {
        this.folder = folder;
    }

    /// Does something after every step.
    ToyRun after(BiConsumer<Trainer, StepMetrics> action) {
        afterStep = action;
        return this;
    }

    /// Does something in every step, given its number since the start.
    ToyRun in(BiConsumer<Trainer, Integer> action) {
        inStep = action;
        return this;
    }

    ToyRun with(UnaryOperator<ToyModel> change) {
        this.change = change;
        return this;
    }

    ToyRun threads(int threads) {
        this.threads = threads;
        return this;
    }

    Path output() {
        return folder.resolve("out");
    }

    /// Writes a config with these lines, and what it reads unless it is there.
    Path config(String lines) throws IOException {
        String data =
                lines.contains("data:") ? "" : "data: {train: train.jsonl, sequence_length: 16, batch_tokens: 64}\n";
        if (!Files.exists(folder.resolve("none"))) {
            Files.writeString(folder.resolve("none"), "a model");
        }
        if (!Files.exists(folder.resolve("train.jsonl"))) {
            texts("train.jsonl", 60, 3);
        }
        if (!Files.exists(folder.resolve("eval.jsonl"))) {
            texts("eval.jsonl", 7, 3);
        }
        return Files.writeString(
                folder.resolve("train.yaml"),
                "model: {base: none}\noutput: out\n" + data
                        + (lines.contains("optimizer:") ? "" : "optimizer: {learning_rate: 0.05}\n") + lines);
    }

    /// Writes texts in which every word follows from the one before.
    void texts(String file, int count, int shift) throws IOException {
        String text = IntStream.range(0, count)
                .mapToObj(i -> "{\"text\": \""
                        + IntStream.range(0, 3 + i % 9)
                                .mapToObj(j -> Integer.toString((i + j * shift) % 10))
                                .collect(Collectors.joining(" "))
                        + "\"}")
                .collect(Collectors.joining("\n"));
        Files.writeString(folder.resolve(file), text);
    }

    /// Runs from a config, and returns the outcome.
    Outcome run(Path config, boolean resume) throws IOException {
        return run(config, resume, new ArrayList<>());
    }

    /// Runs from a config.
    ///
    /// @param values gets the values of all parameters at the end
    Outcome run(Path file, boolean resume, List<Float> values) throws IOException {
        TrainConfig config = TrainConfig.read(file);
        boolean pairs = config.objective() instanceof TrainConfig.Objective.Preference;
        try (Arena arena = Arena.ofShared();
                Kernels kernels = Kernels.create(KernelKind.VECTOR, threads);
                RunFolder run = RunFolder.open(config, resume);
                Dataset data = Dataset.open(
                        config.data().train().stream()
                                .map(source -> new Dataset.Source(source.path(), source.repeat()))
                                .toList(),
                        config.data().eval(),
                        config.data().evalFraction(),
                        TOKENIZER,
                        ChatFormat.of(TOKENIZER),
                        new Dataset.Options(
                                config.data().sequenceLength(),
                                config.data().batchTokens(),
                                pairs,
                                0,
                                config.seed()))) {
            ToyModel model = change.apply(new ToyModel(arena, config.seed()));
            Trainer[] trainer = new Trainer[1];
            trainer[0] = new Trainer(config, model, data, run, kernels, new TrainObserver() {
                @Override
                public void message(String text) {
                    messages.add(text);
                }

                @Override
                public void step(StepMetrics metrics, int steps) {
                    afterStep.accept(trainer[0], metrics);
                }
            });
            model.inStep(step -> inStep.accept(trainer[0], step));
            Outcome outcome = trainer[0].run();
            for (Parameter parameter : model.parameters()) {
                for (int i = 0; i < parameter.rows() * parameter.cols(); i++) {
                    values.add(parameter.value().get(i / parameter.cols(), i % parameter.cols()));
                }
            }
            return outcome;
        }
    }

    /// The lines of the metrics, without what depends on the clock: first that of step 0, then one per step.
    List<String> metrics() throws IOException {
        List<String> lines = new ArrayList<>();
        MetricsFile.read(output().resolve("metrics.jsonl"), line -> lines.add(withoutTime(line)));
        return lines;
    }

    private static String withoutTime(JsonNode line) {
        ((ObjectNode) line).remove(List.of("seconds", "tokens_per_second"));
        return line.toString();
    }

    /// The loss of a step, from 0 on, or from the last backwards.
    double loss(int line) throws IOException {
        List<Double> losses = new ArrayList<>();
        MetricsFile.read(output().resolve("metrics.jsonl"), node -> {
            if (node.has("loss")) {
                losses.add(node.get("loss").asDouble());
            }
        });
        return losses.get(line < 0 ? losses.size() + line : line);
    }

    /// Names in the folder of checkpoints.
    List<String> checkpoints() throws IOException {
        return Folders.list(output().resolve("checkpoints")).stream()
                .map(path -> path.getFileName().toString())
                .toList();
    }
}
