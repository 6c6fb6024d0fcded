package io.github.mixtral4j.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.BatchStream.Position;
import io.github.mixtral4j.train.data.Dataset.Options;
import io.github.mixtral4j.train.data.Dataset.Source;
import io.github.mixtral4j.train.data.Dataset.Summary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DatasetTest {
    private static final Options OPTIONS = new Options(8, 24, false, 0, 3);

    @TempDir
    private Path folder;

    @Test
    void aStreamFromAnyPositionGivesTheSameBatches() throws IOException {
        try (Dataset data = open(write("a.jsonl", texts(25)), OPTIONS)) {
            BatchStream stream = BatchStream.train(data, 3, Position.START);
            List<Position> positions = new ArrayList<>();
            List<String> batches = new ArrayList<>();
            Position position = stream.position();
            for (Optional<Batch> batch = stream.next(); batch.isPresent(); batch = stream.next()) {
                positions.add(position);
                batches.add(TestData.tokens(batch.get()));
                position = stream.position();
            }
            assertThat(BatchStream.train(data, 3, Position.START).count()).isEqualTo(batches.size());
            for (int i = 0; i < positions.size(); i++) {
                BatchStream again = BatchStream.train(data, 3, positions.get(i));
                assertThat(TestData.tokens(again.next().orElseThrow())).isEqualTo(batches.get(i));
                assertThat(BatchStream.train(data, 3, positions.get(i)).count()).isEqualTo(batches.size() - i);
            }
        }
    }

    @Test
    void anEpochHoldsEverySampleAndItsOrderIsNew() throws IOException {
        try (Dataset data = open(write("a.jsonl", texts(40)), OPTIONS)) {
            List<Integer> first = lines(data, 1);
            List<Integer> both = lines(data, 2);
            assertThat(first.stream().distinct())
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.range(0, 40).boxed().toList());
            assertThat(both.subList(0, first.size())).isEqualTo(first);
            assertThat(both.subList(first.size(), both.size()))
                    .isNotEqualTo(first)
                    .containsExactlyInAnyOrderElementsOf(first);
        }
    }

    @Test
    void batchesHoldWholeSamplesOneAfterTheOther() throws IOException {
        try (Dataset data = open(write("a.jsonl", texts(25)), OPTIONS)) {
            BatchStream stream = BatchStream.train(data, 1, Position.START);
            for (Optional<Batch> batch = stream.next(); batch.isPresent(); batch = stream.next()) {
                var packed = batch.get().packed();
                assertThat(packed.rows()).isLessThanOrEqualTo(24);
                for (int s = 0; s < packed.samples(); s++) {
                    int from = s == 0 ? 0 : packed.end(s - 1);
                    assertThat(packed.weights()[from]).isZero();
                    for (int row = from; row < packed.end(s); row++) {
                        assertThat(packed.positions()[row]).isEqualTo(row - from);
                    }
                    assertThat(packed.end(s) - from).isBetween(2, 8);
                }
            }
        }
    }

    @Test
    void filesAreRepeatedAndOnesToEvaluateOnAreNot() throws IOException {
        Path a = write("a.jsonl", texts(2));
        Path b = write("b.jsonl", texts(3));
        Path c = write("c.jsonl", texts(4));
        try (Dataset data = Dataset.open(
                List.of(new Source(a, 1), new Source(b, 2)),
                List.of(c),
                0,
                TestData.TOKENIZER,
                TestData.V3,
                new Options(100, 1000, false, 0, 1))) {
            assertThat(lines(data, 1)).containsExactlyInAnyOrder(0, 1, 2, 2, 3, 3, 4, 4);
            assertThat(BatchStream.eval(data, 3).next().orElseThrow().lines()).hasSize(3);
            assertThat(BatchStream.eval(data, 9).next().orElseThrow().lines()).containsExactly(5, 6, 7, 8);
            assertThat(data.evalSummary().samples()).isEqualTo(4);
        }
    }

    @Test
    void promptsCountWhereOneTrainsAndNotWhereOneEvaluates() throws IOException {
        String line = """
                {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": %d},
                 {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]}""".replace("\n", "");
        Path file = write("a.jsonl", line.formatted(0));
        try (Dataset data = Dataset.open(
                List.of(new Source(file, 1)),
                List.of(write("b.jsonl", line.formatted(1))),
                0,
                TestData.TOKENIZER,
                TestData.V3,
                new Options(100, 1000, false, 0.25f, 1))) {
            // <s>[INST]▁a[/INST] ▁b</s> [INST]▁c[/INST] ▁d</s>, letters being pieces of their own
            float p = 0.25f;
            assertThat(data.read(0).getFirst().getFirst().weights())
                    .containsExactly(p, p, p, p, p, 0, 0, 0, p, p, p, p, 1, 1, 1);
            assertThat(data.read(1).getFirst().getFirst().weights())
                    .containsExactly(0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1);
        }
    }

    @Test
    void aShareIsTakenAwayForEvaluation() throws IOException {
        Path file = write("a.jsonl", texts(200));
        try (Dataset data =
                Dataset.open(List.of(new Source(file, 1)), List.of(), 0.2, TestData.TOKENIZER, TestData.V3, OPTIONS)) {
            List<Integer> train = lines(data, 1).stream().distinct().toList();
            int[] eval = data.evalLines(1000);
            assertThat(eval.length).isBetween(20, 60);
            assertThat(train)
                    .hasSize(200 - eval.length)
                    .doesNotContainAnyElementsOf(Arrays.stream(eval).boxed().toList());
        }
    }

    @Test
    void theSmallestShareIsOneLine() throws IOException {
        Path file = write("a.jsonl", texts(3));
        try (Dataset data =
                Dataset.open(List.of(new Source(file, 1)), List.of(), 1e-9, TestData.TOKENIZER, TestData.V3, OPTIONS)) {
            assertThat(data.evalLines(1000)).containsExactly(2);
            assertThat(data.trainSummary().samples()).isEqualTo(2);
        }
    }

    @Test
    void countsWhatItCutsAndLeavesOut() throws IOException {
        Path file = write("a.jsonl", """

                {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b c d e f g h i j"}]}
                {"messages": [{"role": "user", "content": "a b c d e f g h i j"}, {"role": "assistant", "content": "a"}]}

                {"text": ""}
                {"text": "a"}""");
        try (Dataset data = open(file, OPTIONS)) {
            assertThat(data.trainSummary()).isEqualTo(new Summary(2, 12, 6, 2, 2));
            assertThat(lines(data, 1)).containsExactlyInAnyOrder(0, 3);
        }
    }

    @Test
    void mistakesAreNamedByTheirLineBeforeTheFirstStep() throws IOException {
        Path file = write("a.jsonl", texts(3) + "\n\n{\"text\": 1}\n");
        assertThatThrownBy(() -> open(file, OPTIONS))
                .isInstanceOf(TrainException.class)
                .hasMessage(file + ":5: text: expected a string, found NUMBER");
        Path latin = folder.resolve("latin.jsonl");
        Files.write(latin, "\n{\"text\": \"é\"}".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> open(latin, OPTIONS)).hasMessage(latin + ":2: not text in UTF-8");
        Path empty = write("empty.jsonl", "\n");
        assertThatThrownBy(() -> open(empty, OPTIONS)).hasMessage(empty + ": no sample to train on");
        Path texts = write("b.jsonl", texts(3));
        assertThatThrownBy(() -> Dataset.open(
                        List.of(new Source(texts, 1)), List.of(empty), 0, TestData.TOKENIZER, TestData.V3, OPTIONS))
                .hasMessage(empty + ": no sample to evaluate on");
        assertThatThrownBy(() -> open(folder, OPTIONS))
                .hasMessage(folder + ": not a regular file; expected samples in JSONL");
        Path absent = folder.resolve("absent.jsonl");
        assertThatThrownBy(() -> open(absent, OPTIONS)).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void aByteOrderMarkIsPassedOver() throws IOException {
        try (Dataset data = open(write("a.jsonl", "\ufeff" + texts(2)), OPTIONS)) {
            assertThat(data.trainSummary().samples()).isEqualTo(2);
        }
    }

    private static List<Integer> lines(Dataset data, int epochs) throws IOException {
        BatchStream stream = BatchStream.train(data, epochs, Position.START);
        List<Integer> lines = new ArrayList<>();
        for (Optional<Batch> batch = stream.next(); batch.isPresent(); batch = stream.next()) {
            Arrays.stream(batch.get().lines()).forEach(lines::add);
        }
        return lines;
    }

    /// Texts of growing length, some longer than a sample may be.
    private static String texts(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> "{\"text\": \"" + "a ".repeat(1 + i % 7) + i + "\"}")
                .collect(Collectors.joining("\n"));
    }

    private static Dataset open(Path file, Options options) throws IOException {
        return Dataset.open(List.of(new Source(file, 1)), List.of(), 0, TestData.TOKENIZER, TestData.V3, options);
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }
}
