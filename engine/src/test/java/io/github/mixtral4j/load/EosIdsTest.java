package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.testkit.RawTensors;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyGguf;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyMixtral.GgufStyle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every place where a model's files say which tokens end its text.
final class EosIdsTest {
    private static final TinyMixtral MODEL = TinyMixtral.create(TinyConfig.mixtral(), 1);
    private static final String FIELD = "\"eos_token_id\": 2";

    @TempDir
    private Path folder;

    @Test
    void configAndGenerationConfigTogetherAsNumberOrList() throws IOException {
        MODEL.writeHuggingFace(folder, 1);
        assertThat(eosIds(folder)).containsExactly(2);
        Path generation =
                Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [7, 500, 32000, -1]}");
        assertThat(eosIds(folder)).as("of a vocabulary of 512").containsExactlyInAnyOrder(2, 7, 500);
        Path config = folder.resolve("config.json");
        String json = Files.readString(config);
        assertThat(json).contains(FIELD);
        Files.writeString(config, json.replace(FIELD, "\"eos_token_id\": [3, 4]"));
        Files.writeString(generation, "{\"eos_token_id\": null}");
        assertThat(eosIds(folder)).containsExactlyInAnyOrder(3, 4);
    }

    @Test
    void whatIsNoIdIsRefused() throws IOException {
        MODEL.writeHuggingFace(folder, 1);
        Path generation = folder.resolve("generation_config.json");
        for (String wrong : List.of("\"two\"", "[2,\"two\"]", "2.5", "[[2]]")) {
            Files.writeString(generation, "{\"eos_token_id\": " + wrong + "}");
            assertThatThrownBy(() -> eosIds(folder))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage("generation_config.json: eos_token_id: expected a whole number or an array of them,"
                            + " found " + wrong);
        }
    }

    @Test
    void metadataHasTheEndOfATurnToo() throws IOException {
        Path file = MODEL.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        assertThat(eosIds(file)).isEmpty();
        Map<String, Object> metadata = ModelLoaderTest.ggufMetadata(MODEL.config());
        metadata.put("tokenizer.ggml.eos_token_id", 5);
        metadata.put("tokenizer.ggml.eot_token_id", 511);
        rewrite(file, metadata);
        assertThat(eosIds(file)).containsExactlyInAnyOrder(5, 511);
        metadata.put("tokenizer.ggml.eot_token_id", 512);
        rewrite(file, metadata);
        assertThat(eosIds(file)).containsExactly(5);
    }

    @Test
    void mistralsFilesDeclareNone() throws IOException {
        MODEL.writeMistral(folder, 1);
        assertThat(eosIds(folder)).isEmpty();
    }

    private static Set<Integer> eosIds(Path path) throws IOException {
        try (LoadedModel loaded = ModelLoader.load(path)) {
            return EosIds.of(loaded.checkpoint(), loaded.config().vocabSize());
        }
    }

    private static void rewrite(Path file, Map<String, Object> metadata) throws IOException {
        TinyGguf.write(
                file,
                3,
                metadata,
                List.copyOf(RawTensors.readGguf(file).byName().values()));
    }
}
