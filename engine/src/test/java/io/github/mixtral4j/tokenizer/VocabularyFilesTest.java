package io.github.mixtral4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.testkit.TinyTokenizer.JsonStyle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// tokenizer.model, tokenizer.json and GGUF arrays give the same vocabulary.
class VocabularyFilesTest {
    private static final TinyTokenizer TINY = TinyTokenizer.v3(1400);

    @Test
    void tokenizerModelGivesThePiecesScoresAndTypesThatWereWritten() {
        Vocabulary read = SentencePieceModel.parse("t.model", TINY.sentencePieceModel());
        assertThat(read.size()).isEqualTo(1400);
        assertThat(read.addDummyPrefix()).isTrue();
        assertThat(List.of(read.unkId(), read.bosId(), read.eosId())).containsExactly(0, 1, 2);
        for (int id = 0; id < read.size(); id++) {
            assertThat(read.piece(id)).isEqualTo(TINY.pieces()[id]);
            assertThat(read.score(id)).isEqualTo(TINY.scores()[id]);
            assertThat(read.type(id).code()).isEqualTo(TINY.types()[id]);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tokenizerJsonEncodesAsTheModelItWasConvertedFrom(JsonStyle style) {
        for (TinyTokenizer tiny : List.of(TinyTokenizer.v1(400), TINY)) {
            Tokenizer model = Tokenizer.of(SentencePieceModel.parse("t.model", tiny.sentencePieceModel()));
            Tokenizer json = Tokenizer.of(TokenizerJson.parse("t.json", bytes(tiny.tokenizerJson(style))));
            Random random = new Random(3);
            for (int i = 0; i < 500; i++) {
                String text = IntStream.range(0, 1 + random.nextInt(12))
                        .mapToObj(k -> tiny.pieces()[random.nextInt(tiny.pieces().length)].replace('▁', ' '))
                        .reduce("", String::concat);
                assertThat(json.encode(text)).as(text).isEqualTo(model.encode(text));
            }
            for (int id = 0; id < tiny.pieces().length; id++) {
                assertThat(json.piece(id)).isEqualTo(model.piece(id));
                assertThat(json.vocabulary().type(id))
                        .isEqualTo(model.vocabulary().type(id));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void tokenizerJsonOfTheRealVocabulariesEncodesTheConformanceTexts(JsonStyle style) {
        for (String version : List.of("v1", "v3")) {
            Vocabulary vocabulary = Fixtures.tokenizer(version).vocabulary();
            int[] all = IntStream.range(0, vocabulary.size()).toArray();
            float[] scores = new float[all.length];
            for (int id : all) {
                scores[id] = vocabulary.score(id);
            }
            TinyTokenizer copy = TinyTokenizer.of(
                    Arrays.stream(all).mapToObj(vocabulary::piece).toArray(String[]::new),
                    scores,
                    Arrays.stream(all).map(id -> vocabulary.type(id).code()).toArray());
            Tokenizer json = Tokenizer.of(TokenizerJson.parse("t.json", bytes(copy.tokenizerJson(style))));
            for (Fixtures.Case c : Fixtures.cases(version)) {
                assertThat(json.encode(c.text()))
                        .as(c.text())
                        .containsExactly(c.ids().toArray(Integer[]::new));
            }
        }
    }

    @Test
    void aPieceThatNoMergeMakesIsOutOfReachOfText() {
        String json = TINY.tokenizerJson(JsonStyle.NORMALIZER)
                .replace("{\"id\": 13, \"content\": \"[SUFFIX]\", \"special\": true}, ", "");
        Tokenizer tokenizer = Tokenizer.of(TokenizerJson.parse("t.json", bytes(json)));
        assertThat(tokenizer.vocabulary().type(12)).isEqualTo(PieceType.CONTROL);
        assertThat(tokenizer.vocabulary().type(13)).isEqualTo(PieceType.UNUSED);
        assertThat(tokenizer.encode("[SUFFIX]")).doesNotContain(13);
        assertThat(tokenizer.decode(13)).isEqualTo("[SUFFIX]");
    }

    @Test
    void theContentOfTheFileDecidesNotItsName(@TempDir Path folder) throws IOException {
        Path model = Files.write(folder.resolve("tokenizer.json"), TINY.sentencePieceModel());
        Path json = Files.writeString(
                folder.resolve("tokenizer.model.v3"), "\n \t" + TINY.tokenizerJson(JsonStyle.METASPACE));
        assertThat(Tokenizer.read(json).encode("a b"))
                .isEqualTo(Tokenizer.read(model).encode("a b"));
    }

    @Test
    void saysWhatIsWrongWithAFileThatIsNoTokenizer(@TempDir Path folder) throws IOException {
        Path empty = Files.write(folder.resolve("empty"), new byte[0]);
        assertThatThrownBy(() -> Tokenizer.read(empty))
                .isInstanceOf(TokenizerException.class)
                .hasMessage(empty + ": no pieces, expected a SentencePiece model");
        Path gguf = Files.writeString(folder.resolve("model.gguf"), "GGUF\3\0\0\0");
        assertThatThrownBy(() -> Tokenizer.read(gguf))
                .isInstanceOf(TokenizerException.class)
                .hasMessage(gguf + ": wire type 7, expected a SentencePiece model (protobuf)");
        Path other = Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"mixtral\"}");
        assertThatThrownBy(() -> Tokenizer.read(other))
                .isInstanceOf(TokenizerException.class)
                .hasMessage(other + ": model.merges is absent, expected a BPE as Mixtral's tokenizer.json has");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
