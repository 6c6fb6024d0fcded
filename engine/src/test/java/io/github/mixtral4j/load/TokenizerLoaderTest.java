package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.testkit.RawTensors;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyGguf;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyMixtral.GgufStyle;
import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.TokenizerException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerLoaderTest {
    private static final TinyTokenizer V1 = TinyTokenizer.v1(420);
    private static final TinyTokenizer V3 = TinyTokenizer.v3(1200);

    @TempDir
    Path folder;

    @Test
    void anyNameAndAnyContainerGivesTheSameTokenizer() throws IOException {
        Path model = Files.write(folder.resolve("any.name"), V1.sentencePieceModel());
        Path json = Files.writeString(folder.resolve("other"), V1.tokenizerJson(TinyTokenizer.JsonStyle.METASPACE));
        Path gguf = gguf("vocab.bin", V1);
        String text = "a tiny text, 你 and 😀  0123";
        int[] expected = Tokenizer.read(model).encode(text);
        for (Path path : new Path[] {model, json, gguf}) {
            Tokenizer tokenizer = TokenizerLoader.open(path);
            assertThat(tokenizer.encode(text)).as(path.toString()).isEqualTo(expected);
            assertThat(tokenizer.vocabSize()).isEqualTo(420);
        }
    }

    @Test
    void sentencePieceComesFirstInAFolder() throws IOException {
        gguf("m.gguf", V3);
        assertThat(pieces()).as("GGUF").isEqualTo(1200);
        Files.writeString(folder.resolve("tokenizer.json"), V1.tokenizerJson(TinyTokenizer.JsonStyle.NORMALIZER));
        assertThat(pieces()).as("tokenizer.json").isEqualTo(420);
        Files.write(
                folder.resolve("mistral_instruct_tokenizer_240323.model.v3"),
                TinyTokenizer.v3(1201).sentencePieceModel());
        assertThat(pieces()).as("*.model.v3").isEqualTo(1201);
        Path second = Files.write(folder.resolve("tokenizer.model.v1"), V1.sentencePieceModel());
        assertThatThrownBy(this::pieces)
                .isInstanceOf(CheckpointException.class)
                .hasMessage(folder + ": holds 2 tokenizers; name one of mistral_instruct_tokenizer_240323.model.v3, "
                        + "tokenizer.model.v1");
        assertThat(TokenizerLoader.open(second).vocabSize()).isEqualTo(420);
        Files.write(folder.resolve("tokenizer.model"), TinyTokenizer.v1(421).sentencePieceModel());
        assertThat(pieces()).as("tokenizer.model").isEqualTo(421);
    }

    @Test
    void filesOfAModelStandForItsFolder() throws IOException {
        TinyMixtral.create(TinyConfig.mixtral(), 1).writeHuggingFace(folder, 2);
        Files.write(folder.resolve("tokenizer.model"), V1.sentencePieceModel());
        for (String name :
                List.of("config.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json", "")) {
            assertThat(TokenizerLoader.open(folder.resolve(name)).vocabSize()).isEqualTo(420);
        }
    }

    @Test
    void modelsBringTheirTokenizer() throws IOException {
        TinyMixtral model = TinyMixtral.create(TinyConfig.mixtral(), 1);
        Path file = model.withTokenizer(TinyTokenizer.v1(512)).writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        try (LoadedModel loaded = ModelLoader.load(file)) {
            assertThat(loaded.tokenizer().orElseThrow().vocabSize()).isEqualTo(512);
        }
        model.writeMistral(folder.resolve("mistral"), 1);
        try (LoadedModel loaded = ModelLoader.load(folder.resolve("mistral"))) {
            assertThat(loaded.tokenizer()).isEmpty();
        }
        Files.write(folder.resolve("mistral/tokenizer.model.v1"), V1.sentencePieceModel());
        try (LoadedModel loaded = ModelLoader.load(folder.resolve("mistral"))) {
            assertThat(loaded.tokenizer().orElseThrow().vocabSize())
                    .as("smaller")
                    .isEqualTo(420);
        }
    }

    @Test
    void piecesThatAFineTuneAddsToTheJsonCount() throws IOException {
        TinyMixtral.create(TinyConfig.mixtral(), 1).writeHuggingFace(folder, 1);
        Files.write(folder.resolve("tokenizer.model"), V1.sentencePieceModel());
        Path json = folder.resolve("tokenizer.json");
        Files.writeString(json, extended(1).tokenizerJson(TinyTokenizer.JsonStyle.METASPACE));
        try (LoadedModel loaded = ModelLoader.load(folder)) {
            Tokenizer tokenizer = loaded.tokenizer().orElseThrow();
            assertThat(tokenizer.vocabSize()).isEqualTo(421);
            assertThat(tokenizer.controlId("<|0|>")).hasValue(420);
            String other = TinyTokenizer.v1(430).tokenizerJson(TinyTokenizer.JsonStyle.METASPACE);
            String tooMany = extended(93).tokenizerJson(TinyTokenizer.JsonStyle.METASPACE);
            for (String unfit : List.of(other, tooMany, "{}", "")) {
                Files.writeString(json, unfit);
                assertThat(loaded.tokenizer().orElseThrow().vocabSize()).isEqualTo(420);
            }
        }
    }

    private static TinyTokenizer extended(int added) {
        int size = V1.pieces().length + added;
        String[] pieces = Arrays.copyOf(V1.pieces(), size);
        int[] types = Arrays.copyOf(V1.types(), size);
        for (int i = 0; i < added; i++) {
            pieces[size - added + i] = "<|" + i + "|>";
            types[size - added + i] = 3;
        }
        return TinyTokenizer.of(pieces, Arrays.copyOf(V1.scores(), size), types);
    }

    @Test
    void tokenizerLargerThanTheModelIsRefused() throws IOException {
        TinyMixtral model = TinyMixtral.create(TinyConfig.mixtral(), 1);
        Path file = model.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        Map<String, Object> metadata = ModelLoaderTest.ggufMetadata(model.config());
        metadata.putAll(metadata(TinyTokenizer.v1(513)));
        TinyGguf.write(
                file,
                3,
                metadata,
                List.copyOf(RawTensors.readGguf(file).byName().values()));
        try (LoadedModel loaded = ModelLoader.load(file)) {
            assertThatThrownBy(loaded::tokenizer)
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage("m.gguf: the tokenizer has 513 pieces, the model's vocabulary 512; expected at most as "
                            + "many. Is it the tokenizer of this model?");
        }
    }

    @Test
    void refusesWhatIsNoTokenizer() throws IOException {
        assertThatThrownBy(() -> TokenizerLoader.open(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(folder + ": no tokenizer found; expected tokenizer.model, tokenizer.model.v3, "
                        + "tokenizer.json or a .gguf file");
        assertThatThrownBy(() -> TokenizerLoader.open(folder.resolve("absent")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(folder.resolve("absent") + ": no such file or folder");
        Path noise = Files.writeString(folder.resolve("noise"), "what?");
        assertThatThrownBy(() -> TokenizerLoader.open(noise)).isInstanceOf(TokenizerException.class);
        Path empty = folder.resolve("m.gguf");
        TinyGguf.write(empty, 3, Map.of(), List.of());
        assertThatThrownBy(() -> TokenizerLoader.open(empty))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("m.gguf: no tokenizer in its metadata (tokenizer.ggml.model is missing)");
        Map<String, Object> gpt2 = metadata(V1);
        gpt2.put("tokenizer.ggml.model", "gpt2");
        TinyGguf.write(empty, 3, gpt2, List.of());
        assertThatThrownBy(() -> TokenizerLoader.open(empty))
                .isInstanceOf(CheckpointException.class)
                .hasMessage(
                        "m.gguf: tokenizer.ggml.model is \"gpt2\"; this engine reads \"llama\" (SentencePiece BPE)");
        Map<String, Object> noEnd = metadata(V1);
        noEnd.put("tokenizer.ggml.eos_token_id", -1);
        TinyGguf.write(empty, 3, noEnd, List.of());
        assertThatThrownBy(() -> TokenizerLoader.open(empty))
                .isInstanceOf(TokenizerException.class)
                .hasMessage("m.gguf: the piece for the end of a text has id -1, expected 0 to 419");
    }

    private int pieces() throws IOException {
        return TokenizerLoader.open(folder).vocabSize();
    }

    private Path gguf(String name, TinyTokenizer tokenizer) throws IOException {
        Path file = folder.resolve(name);
        TinyGguf.write(file, 3, metadata(tokenizer), List.of());
        return file;
    }

    private static Map<String, Object> metadata(TinyTokenizer tokenizer) {
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("tokenizer.ggml.model", "llama");
        keys.put("tokenizer.ggml.tokens", tokenizer.pieces());
        keys.put("tokenizer.ggml.scores", tokenizer.scores());
        keys.put("tokenizer.ggml.token_type", tokenizer.types());
        return keys;
    }
}
