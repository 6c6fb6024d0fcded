package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.PieceType;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelWriterTest {
    private static final Tokenizer TOKENIZER = Tokenizer.of(
            SentencePieceModel.parse("tiny.model", TinyTokenizer.v1(600).sentencePieceModel()));

    @TempDir
    private Path folder;

    @Test
    void whatIsWrittenIsTheModelThatWasRead() throws IOException {
        assertSameAfterWriting(TinyMixtral.create(TinyConfig.mixtral().withVocabSize(600), 3));
        assertSameAfterWriting(TinyMixtral.create(TinyConfig.dense().withVocabSize(600), 3));
    }

    private void assertSameAfterWriting(TinyMixtral tiny) throws IOException {
        Path source = folder.resolve("hf" + tiny.config().numExperts());
        tiny.writeHuggingFace(source, 1);
        Path file = folder.resolve("written.gguf");
        try (LoadedModel model = ModelLoader.load(source)) {
            ModelWriter.writeGguf(file, "tiny", model.config(), model.weights(), TOKENIZER.vocabulary(), DType.F32, 2);
            try (LoadedModel written = ModelLoader.load(file)) {
                Map<String, float[]> expected = Containers.numbers(model);
                assertThat(written.config().withContextLength(1).toString().replace("INTERLEAVED", ""))
                        .isEqualTo(
                                model.config().withContextLength(1).toString().replace("HALF_SPLIT", ""));
                Containers.numbers(written)
                        .forEach((name, numbers) -> assertThat(numbers).as(name).isEqualTo(expected.get(name)));
                assertThat(written.tokenizer().orElseThrow().encode("a bc 1 {\"é"))
                        .isEqualTo(TOKENIZER.encode("a bc 1 {\"é"));
            }
        }
    }

    @Test
    void embeddingsWithoutAPieceGetPaddingThatNoTextReaches() throws IOException {
        Path source = folder.resolve("hf");
        TinyMixtral.create(TinyConfig.mixtral().withVocabSize(640), 3).writeHuggingFace(source, 1);
        Path file = folder.resolve("written.gguf");
        try (LoadedModel model = ModelLoader.load(source)) {
            ModelWriter.writeGguf(file, "tiny", model.config(), model.weights(), TOKENIZER.vocabulary(), DType.F32, 2);
        }
        try (LoadedModel written = ModelLoader.load(file)) {
            Tokenizer tokenizer = written.tokenizer().orElseThrow();
            assertThat(tokenizer.vocabSize()).isEqualTo(640);
            assertThat(tokenizer.piece(599)).isEqualTo(TOKENIZER.piece(599));
            for (int id = 600; id < 640; id++) {
                assertThat(tokenizer.piece(id)).isEqualTo("[PAD" + id + "]");
                assertThat(tokenizer.vocabulary().type(id)).isEqualTo(PieceType.UNUSED);
                assertThat(tokenizer.encode(tokenizer.piece(id))).isEqualTo(TOKENIZER.encode(tokenizer.piece(id)));
            }
        }
    }

    @Test
    void aFormatThatDoesNotFitIsRefusedAndNothingIsLeft() throws IOException {
        TinyConfig c = TinyConfig.mixtral();
        TinyConfig narrow = new TinyConfig(
                48, 96, 1, 4, 2, 12, c.vocabSize(), c.numExperts(), c.numExpertsPerToken(), 1024, 1e-5, 1e6);
        Path source = folder.resolve("hf");
        TinyMixtral.create(narrow, 3).writeHuggingFace(source, 1);
        Path file = folder.resolve("written.gguf");
        try (LoadedModel model = ModelLoader.load(source)) {
            assertThatThrownBy(() -> ModelWriter.writeGguf(
                            file, "tiny", model.config(), model.weights(), TOKENIZER.vocabulary(), DType.Q8_0, 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(file).doesNotExist();
    }
}
