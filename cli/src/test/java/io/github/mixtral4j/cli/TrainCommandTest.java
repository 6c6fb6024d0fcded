package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.train.loop.StepMetrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Trainings of a tiny model from beginning to end.
final class TrainCommandTest {
    private static final String NEW = """
            model:
              tokenizer: tokenizer.model
              new: {hidden_size: 32, intermediate_size: 32, num_layers: 2, num_heads: 4, num_kv_heads: 2, num_experts: 4}
            data: {train: train.jsonl, eval_fraction: 0.1, sequence_length: 24, batch_tokens: 96}
            optimizer: {learning_rate: 0.01}
            schedule: {kind: constant, warmup_steps: 3}
            checkpoints: {every: 4}
            """;

    @TempDir
    private Path folder;

    @BeforeEach
    void writeData() throws IOException {
        Files.write(folder.resolve("tokenizer.model"), TinyTokenizer.v3(1200).sentencePieceModel());
        StringBuilder texts = new StringBuilder();
        StringBuilder chats = new StringBuilder();
        StringBuilder pairs = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            int n = i % 7;
            texts.append("{\"text\": \"%d %d %d %d\"}\n".formatted(n, n + 1, n + 2, n + 3));
            chats.append("{\"messages\": [{\"role\": \"user\", \"content\": \"%d\"}, ".formatted(n))
                    .append("{\"role\": \"assistant\", \"content\": \"%d\"}]}\n".formatted(9 - n));
            pairs.append("{\"prompt\": \"%d\", \"chosen\": \"%d\", \"rejected\": \"%d\"}\n".formatted(n, n, 9 - n));
        }
        Files.writeString(folder.resolve("train.jsonl"), texts);
        Files.writeString(folder.resolve("chats.jsonl"), chats);
        Files.writeString(folder.resolve("pairs.jsonl"), pairs);
    }

    @Test
    void trainsWholeThenAnAdapterThenPreferences() throws IOException {
        JsonNode whole = train(NEW + "steps: 30\noutput: whole\nexport: q8_0\n");
        assertThat(whole.get("end").asString()).isEqualTo("finished");
        assertThat(whole.get("loss").asDouble()).isLessThan(0.6 * firstLoss("whole"));
        assertThat(whole.get("eval_loss").asDouble()).isLessThan(firstLoss("whole"));
        Path model = folder.resolve("whole/model.gguf");
        assertThat(whole.get("written").toString()).isEqualTo("[\"" + model + "\"]");
        Cli logits = Cli.run("logits", model.toString(), "--ids", "1,1100", "--json");
        assertThat(logits.code()).as(logits.err()).isZero();
        assertThat(Files.readString(folder.resolve("whole/report.html"))).contains("layer 1, expert 3");

        String lora = """
                model: {base: whole/model.gguf}
                lora: {rank: 4, targets: [wq, wk, wv, wo, gate_proj, up_proj, down_proj, router]}
                data: {train: %s.jsonl, sequence_length: 24, batch_tokens: 96}
                optimizer: {learning_rate: 0.02}
                schedule: {kind: one_cycle}
                steps: 20
                """;
        JsonNode adapter = train(lora.formatted("chats") + "output: adapted\n");
        assertThat(adapter.get("loss").asDouble()).isLessThan(0.7 * firstLoss("adapted"));
        assertThat(folder.resolve("adapted/adapter/adapter_config.json")).exists();
        assertThat(folder.resolve("adapted/adapter.gguf")).exists();

        JsonNode preferred = train(lora.formatted("pairs") + "objective: dpo\ndpo: {beta: 0.5}\noutput: preferred\n");
        assertThat(firstLoss("preferred")).isBetween(0.6931, 0.6932);
        assertThat(preferred.get("loss").asDouble()).isLessThan(0.5);
    }

    @Test
    void aResumedRunHasTheSameLosses() throws IOException {
        train(NEW + "steps: 10\noutput: whole\n");
        train(NEW + "steps: 6\noutput: parts\n");
        JsonNode parts = train(NEW + "steps: 10\noutput: parts\n", "--resume");
        assertThat(parts.get("step").asInt()).isEqualTo(10);
        assertThat(losses("parts")).isEqualTo(losses("whole"));
        Cli again = run(NEW + "steps: 10\noutput: parts\n");
        assertThat(again.code()).isEqualTo(Main.FAILED);
        assertThat(again.err())
                .contains("mixtral train: " + folder.resolve("parts") + ": holds a run already (step-00000010); go on"
                        + " with it by --resume, or name another output folder\n");
    }

    @Test
    void aRequestToEndSavesTheStepAndEndsWithItsCode() throws IOException, InterruptedException {
        Path config = Files.writeString(folder.resolve("train.yaml"), NEW + "steps: 1000000\noutput: out\n");
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "train",
                        config.toString(),
                        "--json")
                .redirectError(folder.resolve("err").toFile())
                .redirectOutput(folder.resolve("out.json").toFile())
                .start();
        try {
            Path metrics = folder.resolve("out/metrics.jsonl");
            for (int i = 0;
                    i < 600
                            && child.isAlive()
                            && !(Files.exists(metrics) && !losses("out").isEmpty());
                    i++) {
                Thread.sleep(100);
            }
            child.destroy(); // SIGTERM
            assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            child.destroyForcibly();
        }
        assertThat(child.exitValue())
                .as(Files.readString(folder.resolve("err")))
                .isEqualTo(143);
        JsonNode outcome = Json.MAPPER.readTree(Files.readAllBytes(folder.resolve("out.json")));
        assertThat(outcome.get("end").asString()).isEqualTo("interrupted");
        int step = outcome.get("step").asInt();
        assertThat(folder.resolve("out/checkpoints/step-%08d".formatted(step))).isDirectory();
        assertThat(losses("out")).hasSize(step);
    }

    @Test
    void mistakesAreNamed() throws IOException {
        assertThat(run(NEW + "steps: 3\noutput: out\nlora: {rank: 3}\n").err())
                .isEqualTo("mixtral train: " + folder.resolve("train.yaml")
                        + ": lora needs model.base; on random weights there is nothing to adapt\n");
        assertThat(run(NEW.replace("sequence_length: 24, batch_tokens: 96", "sequence_length: 4096") + "output: out\n")
                        .err())
                .isEqualTo("mixtral train: " + folder.resolve("train.yaml")
                        + ": data.sequence_length is 4096, but the model's context has only 2048 tokens\n");
        assertThat(run(NEW + "steps: 3\noutput: out\nexport: q4_k\n").err())
                .isEqualTo("mixtral train: " + folder.resolve("train.yaml")
                        + ": export: q4_k stores blocks of 256 numbers, but this model has rows of 32; use bf16, f16 or"
                        + " f32, or q8_0\n");
        Cli unknown = run(NEW + "stepps: 3\noutput: out\n");
        assertThat(unknown.code()).isEqualTo(Main.FAILED);
        assertThat(unknown.err())
                .startsWith(
                        "mixtral train: " + folder.resolve("train.yaml") + ":8: unknown key stepps; similar: steps;");
        assertThat(Cli.run("train", folder.resolve("absent.yaml").toString()).err())
                .isEqualTo("mixtral train: " + folder.resolve("absent.yaml") + ": no such file or folder\n");
    }

    @Test
    void anotherTokenizerThanThatOfTheBaseIsRefused() throws IOException {
        train(NEW + "steps: 1\noutput: whole\n");
        Files.writeString(folder.resolve("text.txt"), "fish and chips and fish and chips\n".repeat(9));
        Path other = folder.resolve("other.model");
        Cli learnt = Cli.run(
                "train-tokenizer",
                folder.resolve("text.txt").toString(),
                "--layout",
                "v3",
                "--vocab-size",
                "1060",
                "--output",
                other.toString());
        assertThat(learnt.code()).as(learnt.err()).isZero();
        Cli refused = run("\nmodel: {base: whole/model.gguf, tokenizer: other.model}\n"
                + NEW.substring(NEW.indexOf("data:")) + "steps: 1\noutput: on\n");
        assertThat(refused.code()).isEqualTo(Main.FAILED);
        assertThat(refused.err()).contains("model.tokenizer is not the tokenizer of this model: id 10");
    }

    @Test
    void theLineThatIsWrittenOverFitsATerminal() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(InputStream.nullInputStream(), OutputStream.nullOutputStream(), err, () -> true);
        long[][] load = {{9, 1}};
        try (TrainProgress progress = new TrainProgress(console)) {
            for (int step : new int[] {1, 2, 99_998, 99_999}) {
                progress.step(
                        new StepMetrics(
                                step,
                                1,
                                123.4,
                                2,
                                2,
                                OptionalDouble.of(1),
                                1,
                                1,
                                1,
                                12_345.6,
                                1,
                                load,
                                Optional.empty()),
                        100_000);
            }
        }
        String[] lines = err.toString(StandardCharsets.UTF_8).split("[\\r\\n]+");
        assertThat(lines).hasSize(5).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(79));
        assertThat(lines[1]).startsWith("step 1/100000").contains("loss 123.4000, preferred 100 %, 12,346 tokens/s");
    }

    @Test
    void timeIsSaidInWords() {
        assertThat(List.of(TrainProgress.duration(45), TrainProgress.duration(700), TrainProgress.duration(12_000)))
                .containsExactly("45 s", "12 min", "3 h 20 min");
    }

    private Cli run(String yaml, String... options) throws IOException {
        Path config = Files.writeString(folder.resolve("train.yaml"), yaml);
        String[] args = new String[options.length + 4];
        args[0] = "train";
        args[1] = config.toString();
        args[2] = "--threads";
        args[3] = "1";
        System.arraycopy(options, 0, args, 4, options.length);
        return Cli.run(args);
    }

    private JsonNode train(String yaml, String... options) throws IOException {
        String[] all = Arrays.copyOf(options, options.length + 1);
        all[options.length] = "--json";
        Cli result = run(yaml, all);
        assertThat(result.code()).as(result.err()).isZero();
        return Json.MAPPER.readTree(result.out());
    }

    private double firstLoss(String output) throws IOException {
        return Double.parseDouble(losses(output).getFirst());
    }

    /// The losses of all steps; the line of step 0 has none.
    private List<String> losses(String output) throws IOException {
        return Files.readAllLines(folder.resolve(output).resolve("metrics.jsonl")).stream()
                .map(line -> Pattern.compile("\"loss\":([^,]+),")
                        .matcher(line)
                        .results()
                        .findFirst())
                .flatMap(Optional::stream)
                .map(match -> match.group(1))
                .toList();
    }
}
