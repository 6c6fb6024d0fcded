package io.github.mixtral4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.testkit.TinyTokenizer.JsonStyle;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Damaged, endless and foreign vocabularies are refused, and it is said what is wrong with them.
class HostileVocabularyTest {
    private static final TinyTokenizer TINY = TinyTokenizer.v3(1400);

    @Test
    void jsonTooLongForATreeIsRefused(@TempDir Path folder) throws IOException {
        Path json = Files.write(folder.resolve("tokenizer.json"), Arrays.copyOf(bytes("{"), (32 << 20) + 1));
        assertThatThrownBy(() -> Tokenizer.read(json))
                .isInstanceOf(TokenizerException.class)
                .hasMessage(json + ": 33554433 bytes of JSON, expected a tokenizer.json of at most 33554432");
    }

    @Test
    void everyTruncatedOrDamagedModelIsRefusedOrReadNeverWorse() {
        byte[] model = TinyTokenizer.v1(400).sentencePieceModel();
        Random random = new Random(5);
        for (int i = 0; i < 1500; i++) {
            byte[] bad = Arrays.copyOf(model, random.nextInt(model.length));
            if (i % 2 == 0) {
                bad = model.clone();
                for (int k = random.nextInt(4); k >= 0; k--) {
                    bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
                }
            }
            readOrRefuse(bad, bytes -> SentencePieceModel.parse("t.model", bytes));
        }
    }

    @Test
    void everyTruncatedOrDamagedJsonIsRefusedOrReadNeverWorse() {
        byte[] json = bytes(TinyTokenizer.v1(400).tokenizerJson(JsonStyle.NORMALIZER));
        Random random = new Random(5);
        for (int i = 0; i < 300; i++) {
            byte[] bad = Arrays.copyOf(json, random.nextInt(json.length));
            if (i % 2 == 0) {
                bad = json.clone();
                for (int k = random.nextInt(4); k >= 0; k--) {
                    bad[random.nextInt(bad.length)] = (byte) "\"{}[],:019.-a\\u".charAt(random.nextInt(15));
                }
            }
            readOrRefuse(bad, bytes -> TokenizerJson.parse("t.json", bytes));
        }
        readOrRefuse(bytes("[".repeat(1_000_000)), bytes -> TokenizerJson.parse("t.json", bytes));
        readOrRefuse(bytes("{\"model\": null}"), bytes -> TokenizerJson.parse("t.json", bytes));
    }

    @Test
    void namesTheModelTypeAndTheFlagsThatMixtralNeverHas() {
        byte[] model = TinyTokenizer.v1(400).sentencePieceModel();
        assertRefused(with(model, 2, 3, 1), "t.model: model_type is UNIGRAM, expected BPE as Mixtral's");
        assertRefused(with(model, 2, 35, 0), "t.model: byte_fallback is off, which Mixtral's tokenizers never have");
        assertRefused(
                with(model, 3, 4, 1), "t.model: remove_extra_whitespaces is on, which Mixtral's tokenizers never have");
        assertRefused(
                with(model, 3, 5, 0), "t.model: escape_whitespaces is off, which Mixtral's tokenizers never have");
    }

    @Test
    void namesTheTruncatedField() {
        byte[] model = TINY.sentencePieceModel();
        assertRefused(Arrays.copyOf(model, 10), "t.model: field 1 is 14 bytes long, but 8 are left (truncated?)");
        assertRefused(Arrays.copyOf(model, 1), "t.model: the file ends inside field 1 (truncated?)");
    }

    @Test
    void namesTheBadPiece() {
        assertBad(
                "t.gguf: no piece <0x41> of type BYTE; expected all 256, characters without a piece are spelled with them",
                v -> v.types[68] = 3);
        assertBad(
                "t.gguf: piece 68 \"<0x4g>\" has type BYTE, expected a name such as <0x0A>",
                v -> v.pieces[68] = "<0x4g>");
        assertBad("t.gguf: pieces 259 and 300 are both \"▁▁\", expected every piece once", v -> v.pieces[300] = "▁▁");
        assertBad("t.gguf: piece 300 is empty", v -> v.pieces[300] = "");
        assertBad("t.gguf: piece 300 holds half of a surrogate pair", v -> v.pieces[300] = "a\uD800");
        assertBad("t.gguf: piece 300 \"a b\" holds a space, expected ▁ in its place", v -> v.pieces[300] = "a b");
        assertBad(
                "t.gguf: piece 300 is 513 characters long, at most 512 are expected of type NORMAL",
                v -> v.pieces[300] = "x".repeat(513));
        assertBad("t.gguf: piece 300 is 513 characters long, at most 512 are expected of type USER_DEFINED", v -> {
            v.pieces[300] = "x".repeat(513);
            v.types[300] = 4;
        });
        assertBad(
                "t.gguf: piece 300 \"\\u001b[2J " + "x".repeat(50) + "…\" holds a space, expected ▁ in its place",
                v -> v.pieces[300] = "\u001b[2J " + "x".repeat(400));
        assertBad("t.gguf: piece 259 \"▁▁\" has score NaN, expected a number", v -> v.scores[259] = Float.NaN);
        assertBad("t.gguf: piece 300 has type 7, expected 1 to 6", v -> v.types[300] = 7);
        assertBad("t.gguf: pieces 0 and 300 are both of type UNKNOWN, expected one", v -> v.types[300] = 2);
    }

    @Test
    void namesTheArrayThatDoesNotFit() {
        assertBad(
                "t.gguf: tokenizer.ggml.token_type has 2 elements, expected 400 as tokenizer.ggml.tokens",
                v -> v.types = new int[2]);
        assertBad(
                "t.gguf: 400 pieces, 399 scores and 400 types, expected as many of each",
                v -> v.scores = Arrays.copyOf(v.scores, 399));
        assertBad("t.gguf: the piece for the end of a text has id 400, expected 0 to 399", v -> v.eosId = 400);
        assertBad("t.gguf: the piece for the begin of a text has id -1, expected 0 to 399", v -> v.bosId = -1);
    }

    @Test
    void refusesUnusedPiecesOnlyWhereTextReachesThem() {
        GgufArrays padded = new GgufArrays();
        padded.pieces[300] = "[PAD300]";
        padded.types[300] = 5;
        Tokenizer tokenizer = Tokenizer.of(padded.vocabulary());
        assertThat(tokenizer.encode("[PAD300]")).doesNotContain(300);
        assertThat(tokenizer.decode(300)).isEqualTo("[PAD300]");
        GgufArrays reachable = new GgufArrays();
        reachable.pieces[300] = "qx";
        reachable.types[300] = 5;
        assertThatThrownBy(() -> Tokenizer.of(reachable.vocabulary()))
                .isInstanceOf(TokenizerException.class)
                .hasMessage("t.gguf: piece 300 \"qx\" is UNUSED but text can be merged to it, expected padding only");
    }

    @Test
    void endlessUnusedPiecesTakeNoEndlessTime() {
        GgufArrays padded = new GgufArrays();
        padded.pieces[300] = "ab".repeat(5_000_000);
        padded.types[300] = 5;
        Tokenizer tokenizer =
                assertTimeoutPreemptively(Duration.ofSeconds(20), () -> Tokenizer.of(padded.vocabulary()));
        assertThat(tokenizer.encode("ab")).doesNotContain(300);
    }

    @Test
    void theIdsThatAGgufDeclaresDecideOverItsTypes() {
        GgufArrays arrays = new GgufArrays();
        arrays.types[0] = 3;
        arrays.pieces[300] = "<|im_end|>";
        arrays.types[300] = 4;
        arrays.eosId = 300;
        Tokenizer tokenizer = Tokenizer.of(arrays.vocabulary());
        assertThat(tokenizer.isControl(300)).isTrue();
        assertThat(tokenizer.encode("<|im_end|>")).doesNotContain(300);
    }

    @Test
    void namesWhatAJsonIsInPlaceOfAConvertedSentencePieceModel() {
        String json = TinyTokenizer.v1(400).tokenizerJson(JsonStyle.NORMALIZER);
        assertBadJson(
                json.replace("\"type\": \"BPE\"", "\"type\": \"Unigram\""),
                "t.json: model.type is \"Unigram\", expected \"BPE\" as Mixtral's");
        assertBadJson(
                json.replace("\"byte_fallback\": true", "\"byte_fallback\": false"),
                "t.json: model.byte_fallback is not true; the vocabulary did not come from SentencePiece (Mixtral's did)");
        assertBadJson(
                json.replace("\"type\": \"Prepend\"", "\"type\": \"NFKC\""),
                "t.json: normalizer \"NFKC\" changes the text, expected Prepend and Replace as Mixtral's has");
        assertBadJson(
                json.replace("\"pre_tokenizer\": null", "\"pre_tokenizer\": {\"type\": \"ByteLevel\"}"),
                "t.json: pre_tokenizer is \"ByteLevel\", expected none or Metaspace as Mixtral's");
        assertBadJson(
                json.replace("\"▁▁\": 259", "\"▁▁\": 400"),
                "t.json: piece \"▁▁\" has id 400, expected 0 to 399 for 400 pieces");
        assertBadJson(
                json.replace("\"▁▁\": 259", "\"▁▁\": 260"), "t.json: pieces \"▁▁\" and \"▁▁▁▁\" both have id 260");
        assertBadJson(
                json.replace("\"merges\": [", "\"merges\": [\"▁▁ ▁▁▁\", "),
                "t.json: model.merges[0] is \"▁▁ ▁▁▁\", expected two pieces that make a third of model.vocab");
        assertBadJson(
                json.replace("\"added_tokens\": [", "\"added_tokens\": [{\"id\": 999, \"content\": \"<s>\"}, "),
                "t.json: \"<s>\" of added_tokens has the ids 1 and 999, expected one");
        assertBadJson(
                json.replace("\"type\": \"BPE\"", "\"type\": \"" + "x".repeat(1000) + "\""),
                "t.json: model.type is \"" + "x".repeat(59) + "…, expected \"BPE\" as Mixtral's");
        assertThatThrownBy(() -> TokenizerJson.parse("t.json", bytes("{\"model\": ")))
                .isInstanceOf(TokenizerException.class)
                .hasMessageStartingWith("t.json: not readable as JSON: Unexpected end-of-input");
    }

    /// The arrays of a GGUF file's metadata, to be spoilt.
    private static final class GgufArrays {
        String[] pieces = TinyTokenizer.v1(400).pieces();
        float[] scores = TinyTokenizer.v1(400).scores();
        int[] types = TinyTokenizer.v1(400).types();
        int bosId = 1;
        int eosId = 2;

        Vocabulary vocabulary() {
            return Vocabulary.ofGguf("t.gguf", pieces, scores, types, bosId, eosId, 0, true);
        }
    }

    private static void assertBad(String message, Consumer<GgufArrays> spoil) {
        GgufArrays arrays = new GgufArrays();
        spoil.accept(arrays);
        assertThatThrownBy(arrays::vocabulary)
                .isInstanceOf(TokenizerException.class)
                .hasMessage(message);
    }

    private static void assertBadJson(String json, String message) {
        assertThatThrownBy(() -> TokenizerJson.parse("t.json", bytes(json)))
                .isInstanceOf(TokenizerException.class)
                .hasMessage(message);
    }

    /// The model with one more message that sets a field anew.
    private static byte[] with(byte[] model, int message, int field, int value) {
        byte[] number = field < 16
                ? new byte[] {(byte) (field << 3), (byte) value}
                : new byte[] {(byte) (field << 3 | 0x80), (byte) (field >> 4), (byte) value};
        byte[] longer = Arrays.copyOf(model, model.length + 2 + number.length);
        longer[model.length] = (byte) (message << 3 | 2);
        longer[model.length + 1] = (byte) number.length;
        System.arraycopy(number, 0, longer, model.length + 2, number.length);
        return longer;
    }

    private static void readOrRefuse(byte[] file, Function<byte[], Vocabulary> parser) {
        try {
            Tokenizer.of(parser.apply(file)).encode("abc  d");
        } catch (TokenizerException e) {
            assertThat(e).hasMessageStartingWith("t.");
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void assertRefused(byte[] model, String message) {
        assertThatThrownBy(() -> SentencePieceModel.parse("t.model", model))
                .isInstanceOf(TokenizerException.class)
                .hasMessage(message);
    }
}
