package io.github.mixtral4j.checkpoint;

import static io.github.mixtral4j.checkpoint.SafetensorsBytes.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a path stands for.
class ModelFilesTest {
    @TempDir
    Path folder;

    @Test
    void folderWithoutModelIsRefused() {
        refuses(": no model found; expected a .gguf file, model.safetensors (or shards) with config.json, or "
                + "consolidated.safetensors (or shards) with params.json");
    }

    @Test
    void folderWithTwoModelsIsRefused() throws IOException {
        gguf("b.gguf");
        gguf("a.gguf");
        refuses(": holds 2 models; name one of a.gguf, b.gguf");
        safetensors("config.json", "model.safetensors", "a");
        refuses(": holds 3 models; name one of a.gguf, b.gguf, config.json or params.json (for the safetensors)");
    }

    @Test
    void nameOfGgufDoesNotMatter() throws IOException {
        gguf("sha256-1234");
        try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("sha256-1234"))) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("t");
        }
    }

    @Test
    void mistralFolderWithAnyNumberingOfShards() throws IOException {
        String[][] namings = {
            {"consolidated.safetensors"},
            {"consolidated.00.safetensors", "consolidated.01.safetensors"},
            {"consolidated-00001.safetensors", "consolidated-00002.safetensors"},
            {"consolidated-00001-of-00002.safetensors", "consolidated-00002-of-00002.safetensors"}
        };
        for (int i = 0; i < namings.length; i++) {
            Path models = Files.createDirectory(folder.resolve("m" + i));
            Files.writeString(models.resolve("params.json"), "{}");
            for (String name : namings[i]) {
                SafetensorsBytes.write(models.resolve(name), "{" + entry(name, "F32", "[1]", 0, 4) + "}", 4);
            }
            for (String given : new String[] {"", "params.json", namings[i][0]}) {
                try (SafetensorsCheckpoint checkpoint =
                        (SafetensorsCheckpoint) Checkpoint.open(models.resolve(given))) {
                    assertThat(checkpoint.layout()).isEqualTo(SafetensorsLayout.MISTRAL);
                    assertThat(checkpoint.tensors().keySet()).containsExactly(namings[i]);
                }
            }
        }
    }

    @Test
    void gapInNumberedShardsIsRefused() throws IOException {
        safetensors("params.json", "consolidated.00.safetensors", "a");
        safetensors("params.json", "consolidated.02.safetensors", "b");
        refuses(": shard 1 of the model of consolidated.00.safetensors is missing");
        safetensors("params.json", "consolidated-00001.safetensors", "c");
        refuses(": the shards of more than one model: consolidated-00001.safetensors, consolidated.00.safetensors");
    }

    @Test
    void moreShardsThanTheNamesSayAreRefused() throws IOException {
        safetensors("config.json", "model-00001-of-00001.safetensors", "a");
        safetensors("config.json", "model-00002-of-00001.safetensors", "b");
        refuses(": expected shards 1 to 1, found [1, 2]");
    }

    @Test
    void huggingFaceFilesComeBeforeMistrals() throws IOException {
        safetensors("config.json", "model.safetensors", "hf");
        safetensors("params.json", "consolidated.safetensors", "mistral");
        assertThat(names("")).isEqualTo("[hf]");
        assertThat(names("config.json")).isEqualTo("[hf]");
        assertThat(names("params.json")).isEqualTo("[mistral]");
        assertThat(names("consolidated.safetensors")).isEqualTo("[mistral]");
    }

    @Test
    void oneFileBesideAnIndexThatDoesNotMentionItIsAmbiguous() throws IOException {
        safetensors("config.json", "model.safetensors", "one");
        safetensors("config.json", "x.safetensors", "two");
        Files.writeString(
                folder.resolve("model.safetensors.index.json"), "{\"weight_map\":{\"two\":\"x.safetensors\"}}");
        refuses(": holds both model.safetensors and model.safetensors.index.json, which does not mention it; name one"
                + " of them");
        assertThat(names("model.safetensors")).isEqualTo("[one]");
        assertThat(names("model.safetensors.index.json")).isEqualTo("[two]");
        assertThat(names("x.safetensors")).isEqualTo("[two]");
    }

    @Test
    void weightsWithoutConfigAreRefused() throws IOException {
        safetensors("config.json", "x.safetensors", "a");
        Files.delete(folder.resolve("config.json"));
        Path weights = folder.resolve("x.safetensors");
        assertThatThrownBy(() -> Checkpoint.open(weights).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(weights + ": expected config.json (Hugging Face) or params.json (Mistral) beside it, found "
                        + "neither");
        Path params = Files.writeString(folder.resolve("params.json"), "{}");
        assertThatThrownBy(() -> Checkpoint.open(params).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(params + ": there are no weights beside it; expected consolidated.safetensors (or shards)");
    }

    private String names(String given) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(given))) {
            return checkpoint.tensors().keySet().toString();
        }
    }

    private void gguf(String name) throws IOException {
        new GgufBytes().tensor("t", 0, 0, 4).write(folder.resolve(name), 16);
    }

    private void safetensors(String config, String weights, String tensor) throws IOException {
        Files.writeString(folder.resolve(config), "{}");
        SafetensorsBytes.write(folder.resolve(weights), "{" + entry(tensor, "F32", "[1]", 0, 4) + "}", 4);
    }

    private void refuses(String message) {
        assertThatThrownBy(() -> Checkpoint.open(folder).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(folder + message);
    }
}
