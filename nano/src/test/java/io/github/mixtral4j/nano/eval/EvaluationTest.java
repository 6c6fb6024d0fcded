package io.github.mixtral4j.nano.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.nano.data.Language;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class EvaluationTest {
    private static final Path CARD = Path.of(System.getProperty("mixtral4j.root"), "nano/MODEL_CARD.md");

    @TempDir
    private Path folder;

    @Test
    void aModelIsExaminedAndItsFiguresGoIntoTheCard() throws IOException, InterruptedException {
        Path model = TinyMixtral.create(TinyConfig.mixtral().withVocabSize(1500), 1)
                .withTokenizer(TinyTokenizer.v3(1500))
                .writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT);
        Path tasks = folder.resolve("tasks.jsonl");
        Files.writeString(tasks, """
                {"kind": "talk", "language": "fr", "reply": "Salut", "expected": {}, "messages": [{"role": "user", "content": "Bonjour"}]}
                {"kind": "arithmetic", "language": "en", "reply": "1 + 1 = 2. Answer: 2", "expected": {"number": 2}, "messages": [{"role": "user", "content": "1 + 1"}]}
                {"kind": "calls.one", "language": "en", "reply": "", "expected": {"calls": [{"function": {"name": "f", "arguments": "{}"}}]}, "messages": [{"role": "user", "content": "f"}], "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}
                """);

        Report report = Evaluation.run(model, Task.readAll(tasks), 1);
        assertThat(Evaluation.marks(model, List.of(), Task.readAll(tasks), 1)).isEqualTo(report.marks());

        assertThat(report.perplexity()).containsOnlyKeys(Language.FR);
        assertThat(report.perplexity().get(Language.FR)).isGreaterThan(1).isFinite();
        assertThat(report.load()).hasDimensions(2, 6);
        assertThat(Arrays.stream(report.load()[1]).sum()).isCloseTo(6, within(1e-9));
        JsonNode json = new JsonMapper().readTree(report.json());
        assertThat(json.at("/scores/calls.one/tasks").asInt()).isEqualTo(1);
        String card = ModelCard.fill(Files.readString(CARD), report.sections());
        assertThat(card)
                .contains("| function calls exactly right (1) | 0.0 % | 90 % |", "| fr | ", "| `arithmetic` | ");
        assertThat(ModelCard.fill(card, report.sections())).isEqualTo(card);
    }

    @Test
    void figuresWithoutAPlaceInTheCardAreAnError() {
        assertThatThrownBy(() -> ModelCard.fill("<!-- b -->\nold\n<!-- /b -->", Map.of("a", "new")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the model card has no place for a; expected <!-- a --> and <!-- /a -->");
        assertThat(ModelCard.fill("x\n<!-- b -->\nold\n<!-- /b -->\ny", Map.of("b", "$1 \\ new\n")))
                .isEqualTo("x\n<!-- b -->\n$1 \\ new\n<!-- /b -->\ny");
    }

    @Test
    void linesThatAreNoTasksAreNamed() throws IOException {
        Path file = folder.resolve("tasks.jsonl");
        Files.write(file, List.of("{\"kind\": \"a\", \"language\": \"xx\", \"messages\": []}"));
        assertThatThrownBy(() -> Task.readAll(file))
                .isInstanceOf(IOException.class)
                .hasMessage(file + ":1: not a task: language: expected en, fr, de, es or it, got xx");
        Files.write(file, List.of("{\"kind\": 3}"));
        assertThatThrownBy(() -> Task.readAll(file))
                .isInstanceOf(IOException.class)
                .hasMessage(file + ":1: not a task: kind: expected a string, got 3");
    }
}
