package io.github.mixtral4j.checkpoint;

import static io.github.mixtral4j.checkpoint.SafetensorsBytes.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsCheckpointTest {
    @TempDir
    Path folder;

    @BeforeEach
    void config() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"hidden_size\": 4}");
    }

    @Test
    void tensorsHaveTheirBytesInFileOrder() throws IOException {
        write(
                "model.safetensors",
                "{\"__metadata__\":{\"format\":\"pt\"}," + entry("z", "BF16", "[3,1]", 8, 14) + ","
                        + entry("a", "F32", "[2]", 0, 8) + "," + entry("h", "F16", "[1]", 14, 16) + "}   ",
                16);
        for (LoadMode mode : LoadMode.values()) {
            try (SafetensorsCheckpoint checkpoint = (SafetensorsCheckpoint) Checkpoint.open(folder, mode)) {
                assertThat(checkpoint.tensors().keySet()).containsExactly("z", "a", "h");
                assertThat(checkpoint.tensor("z").dtype()).isEqualTo(DType.BF16);
                assertThat(checkpoint.tensor("z").shape()).isEqualTo(Shape.matrix(3, 1));
                assertThat(checkpoint.tensor("z").data().get(ValueLayout.JAVA_BYTE, 5))
                        .isEqualTo(GgufBytes.data(13));
                assertThat(checkpoint.layout()).isEqualTo(SafetensorsLayout.HUGGING_FACE);
                assertThat(checkpoint.config().get("hidden_size").intValue()).isEqualTo(4);
                assertThat(checkpoint.path()).isEqualTo(folder);
                assertThat(checkpoint.totalBytes()).isEqualTo(Files.size(folder.resolve("model.safetensors")));
            }
        }
    }

    @Test
    void otherFormatsAreRefusedOnlyWhenAskedFor() throws IOException {
        write(
                "model.safetensors",
                "{" + entry("ids", "I64", "[1]", 0, 8) + "," + entry("one", "F32", "[]", 8, 12) + ","
                        + entry("none", "F32", "[2,0]", 12, 12) + "," + entry("w", "F16", "[2]", 12, 16) + "}",
                16);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("w");
            assertThatThrownBy(() -> checkpoint.find("ids"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage("model.safetensors: ids: I64 cannot be read; expected F32, F16 or BF16");
            assertThatThrownBy(() -> checkpoint.tensor("one"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage("model.safetensors: one: a single number; expected a vector or a matrix");
            assertThatThrownBy(() -> checkpoint.tensor("none"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage("model.safetensors: none: expected positive dimensions, found [2, 0]");
            assertThatThrownBy(() -> checkpoint.tensor("v"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(folder.getFileName() + ": there is no tensor v");
        }
    }

    @Test
    void indexJoinsShards() throws IOException {
        twoShards();
        index("{\"b\":\"model-00002-of-00002.safetensors\",\"a\":\"model-00001-of-00002.safetensors\"}");
        for (String name :
                new String[] {"", "config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"}) {
            try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(name))) {
                assertThat(checkpoint.tensors().keySet()).containsExactlyInAnyOrder("a", "b");
                assertThat(checkpoint.tensor("b").data().byteSize()).isEqualTo(4);
            }
        }
    }

    @Test
    void shardsNeedNoIndex() throws IOException {
        twoShards();
        for (String name : new String[] {"", "model-00002-of-00002.safetensors"}) {
            try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(name))) {
                assertThat(checkpoint.tensors().keySet()).containsExactly("a", "b");
            }
        }
        Files.delete(folder.resolve("model-00001-of-00002.safetensors"));
        assertThatThrownBy(() -> Checkpoint.open(folder).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(folder + ": shard 1 of the model of model-00002-of-00002.safetensors is missing");
    }

    @Test
    void refusesIndexAndShardsThatDisagree() throws IOException {
        twoShards();
        index("{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"model-00001-of-00002.safetensors\"}");
        refuses("model-00001-of-00002.safetensors: the index says that it holds b, but there is no such tensor");

        index("{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"model-00003-of-00003.safetensors\"}");
        refuses("model.safetensors.index.json: shard model-00003-of-00003.safetensors is missing in " + folder);

        write("model-00002-of-00002.safetensors", "{" + entry("a", "F32", "[1]", 0, 4) + "}", 4);
        index("{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"model-00002-of-00002.safetensors\"}");
        refuses("model-00002-of-00002.safetensors: tensor a is also in model-00001-of-00002.safetensors");
    }

    @Test
    void refusesIndexThatLeadsAway() throws IOException {
        twoShards();
        String says = "; expected the name of a .safetensors file in the same folder";
        for (String target : new String[] {"../x.safetensors", "/x.safetensors", "a\\\\b.safetensors", "x.bin", ""}) {
            index("{\"a\":\"" + target + "\"}");
            refuses("model.safetensors.index.json: weight_map sends a to \"" + target.replace("\\\\", "\\") + "\""
                    + says);
        }
        index("{\"a\":\"x\\u0000.safetensors\"}");
        refuses("model.safetensors.index.json: weight_map sends a to \"x\\u0000.safetensors\"" + says);
        index("{\"a\":\"model.safetensors.index.json\"}");
        refuses("model.safetensors.index.json: weight_map sends a to \"model.safetensors.index.json\"" + says);
    }

    @Test
    void refusesMalformedIndex() throws IOException {
        String name = "model.safetensors.index.json: ";
        index("{\"a\":7}");
        refuses(name + "a: expected a text, found a whole number at byte 33");
        index("{\"a\":\"x.safetensors\",\"a\":\"y.safetensors\"}");
        refuses(name + "tensor a occurs twice in weight_map");
        index("{}");
        refuses(name + "expected a weight_map with tensors, found none");
        index("{},\"x\":" + "[".repeat(1_000_000));
        refuses(name + "malformed JSON: Document nesting depth (501) exceeds the maximum allowed (500, from "
                + "`StreamReadConstraints.getMaxNestingDepth()`)");
        index("[]");
        refuses(name + "weight_map: expected an object, found an array at byte 28");
    }

    private void twoShards() throws IOException {
        write("model-00001-of-00002.safetensors", "{" + entry("a", "F32", "[2]", 0, 8) + "}", 8);
        write("model-00002-of-00002.safetensors", "{" + entry("b", "F32", "[1]", 0, 4) + "}", 4);
    }

    private void write(String name, String header, int dataBytes) throws IOException {
        SafetensorsBytes.write(folder.resolve(name), header, dataBytes);
    }

    private void index(String weightMap) throws IOException {
        Files.writeString(
                folder.resolve("model.safetensors.index.json"), "{\"metadata\":{},\"weight_map\":" + weightMap + "}");
    }

    private void refuses(String message) {
        assertThatThrownBy(() -> Checkpoint.open(folder).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(message);
    }
}
