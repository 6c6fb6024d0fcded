package io.github.mixtral4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.train.data.Batch;
import io.github.mixtral4j.train.data.BatchStream;
import io.github.mixtral4j.train.data.Dataset;
import io.github.mixtral4j.train.model.Parameter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PreferenceTest {
    private static final Tokenizer TOKENIZER = Tokenizer.of(
            SentencePieceModel.parse("tiny.model", TinyTokenizer.v3(1500).sentencePieceModel()));

    @TempDir
    private Path folder;

    /// The gradient that reaches the parameters through weights of tokens is that of the loss of the pairs.
    @Test
    void gradientOfTheParametersIsThatOfFiniteDifferences() throws IOException {
        Path file = Files.writeString(folder.resolve("pairs.jsonl"), """
                {"prompt": "1", "chosen": "2 2", "rejected": "3"}
                {"prompt": "4 4", "chosen": "5", "rejected": "6 6 6"}
                """);
        try (Arena arena = Arena.ofShared();
                Dataset data = Dataset.open(
                        List.of(new Dataset.Source(file, 1)),
                        List.of(),
                        0,
                        TOKENIZER,
                        ChatFormat.of(TOKENIZER),
                        new Dataset.Options(20, 100, true, 0, 1))) {
            Batch batch = BatchStream.all(data).next().orElseThrow();
            Reference reference =
                    Reference.compute(new ToyModel(arena, 1), data, _ -> true).orElseThrow();
            ToyModel model = new ToyModel(arena, 2);
            BatchLoss loss = new BatchLoss.Preference(0.3, 0.1, reference);
            assertThat(loss.train(model, batch, 0.5, 0).sum())
                    .isEqualTo(loss.evaluate(model, batch).sum());

            Parameter table = model.parameters().getFirst();
            double largest = 0;
            for (int row = 0; row < table.rows(); row++) {
                for (int col = 0; col < table.cols(); col += 5) {
                    float gradient = table.gradient().get(row, col);
                    assertThat(gradient).isCloseTo((float) slope(loss, model, batch, row, col), within(2e-5f));
                    largest = Math.max(largest, Math.abs(gradient));
                }
            }
            assertThat(largest).isGreaterThan(1e-3);
        }
    }

    /// Of half the loss, because that is the scale above.
    private static double slope(BatchLoss loss, ToyModel model, Batch batch, int row, int col) {
        Parameter table = model.parameters().getFirst();
        float value = table.value().get(row, col);
        float h = 0x1p-6f;
        table.value().set(row, col, value + h);
        double above = loss.evaluate(model, batch).sum();
        table.value().set(row, col, value - h);
        double below = loss.evaluate(model, batch).sum();
        table.value().set(row, col, value);
        return 0.5 * (above - below) / (2 * h);
    }
}
