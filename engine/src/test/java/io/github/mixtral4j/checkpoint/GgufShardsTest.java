package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufShardsTest {
    @TempDir
    Path folder;

    @BeforeEach
    void threeShards() throws IOException {
        // As llama-gguf-split writes them with --no-tensor-first-split.
        shard(0, 3).text("general.name", "x").write(file(1), 0);
        shard(1, 3).tensor("b", 0, 0, 4).tensor("a", 0, 32, 4).write(file(2), 48);
        shard(2, 3).tensor("c", 0, 0, 2).write(file(3), 8);
    }

    @Test
    void anyShardAndTheFolderOpenTheModel() throws IOException {
        for (Path path : new Path[] {file(1), file(2), file(3), folder}) {
            for (LoadMode mode : LoadMode.values()) {
                try (GgufCheckpoint checkpoint = (GgufCheckpoint) Checkpoint.open(path, mode)) {
                    assertThat(checkpoint.tensors().keySet()).containsExactly("b", "a", "c");
                    assertThat(checkpoint.metadata().text("general.name")).isEqualTo("x");
                    assertThat(checkpoint.path()).isEqualTo(file(1));
                    assertThat(checkpoint.tensor("a").data().get(ValueLayout.JAVA_BYTE, 0))
                            .isEqualTo(GgufBytes.data(32));
                    assertThat(checkpoint.tensor("c").data().get(ValueLayout.JAVA_BYTE, 7))
                            .isEqualTo(GgufBytes.data(7));
                    assertThat(checkpoint.totalBytes())
                            .isEqualTo(Files.size(file(1)) + Files.size(file(2)) + Files.size(file(3)));
                }
            }
        }
    }

    @Test
    void aCompleteFileMayHaveTheNameOfAShard() throws IOException {
        new GgufBytes().uint16("split.count", 1).tensor("t", 0, 0, 4).write(file(2), 16);
        try (Checkpoint checkpoint = Checkpoint.open(file(2))) {
            assertThat(checkpoint.tensors().keySet()).containsExactly("t");
        }
    }

    @Test
    void refusesMissingShard() throws IOException {
        Files.delete(file(3));
        refuses("m-00001-of-00003.gguf: shard 3 of 3 is missing: there is no file " + file(3));
    }

    @Test
    void refusesShardUnderAnotherName() throws IOException {
        Path renamed = Files.move(file(2), folder.resolve("model.gguf"));
        assertThatThrownBy(() -> Checkpoint.open(renamed).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage("model.gguf: split.no 1 of split.count 3 does not fit the file's name; expected a name "
                        + "ending in -00002-of-00003.gguf");
    }

    @Test
    void refusesShardsInAnotherOrder() throws IOException {
        Files.move(file(2), folder.resolve("other"));
        Files.copy(file(3), file(2));
        refuses("m-00002-of-00003.gguf: expected split.no 1, found 2");
    }

    @Test
    void refusesShardThatLinksToAnother() throws IOException {
        Files.delete(file(3));
        Files.createSymbolicLink(file(3), file(1));
        refuses("m-00003-of-00003.gguf: expected split.no 2, found 0");
    }

    @Test
    void refusesShardOfAnotherCount() throws IOException {
        shard(2, 4).tensor("c", 0, 0, 2).write(file(3), 8);
        refuses("m-00003-of-00003.gguf: expected split.count 3, found 4");
    }

    @Test
    void refusesWholeFileAsShard() throws IOException {
        new GgufBytes().tensor("c", 0, 0, 2).write(file(3), 8);
        refuses("m-00003-of-00003.gguf: metadata key split.no is missing, expected an integer");
    }

    @Test
    void refusesShardOfAnotherModel() throws IOException {
        shard(2, 3).text("general.name", "y").tensor("c", 0, 0, 2).write(file(3), 8);
        refuses("m-00003-of-00003.gguf: not of the same model as m-00001-of-00003.gguf: general.name: expected \"x\","
                + " found \"y\"");
    }

    @Test
    void refusesTensorInTwoShards() throws IOException {
        shard(2, 3).tensor("a", 0, 0, 2).write(file(3), 8);
        refuses("m-00003-of-00003.gguf: tensor a is also in m-00002-of-00003.gguf");
    }

    @Test
    void refusesWrongNumberOfTensors() throws IOException {
        shard(2, 3).write(file(3), 0);
        refuses("m-00001-of-00003.gguf: expected 3 tensors in all shards (split.tensors.count), found 2");
    }

    private void refuses(String message) {
        assertThatThrownBy(() -> Checkpoint.open(file(1)).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(message);
    }

    private static GgufBytes shard(int number, int count) {
        return new GgufBytes()
                .uint16("split.no", number)
                .uint16("split.count", count)
                .pair("split.tensors.count", 5, out -> out.int32(3));
    }

    private Path file(int shard) {
        return folder.resolve("m-0000" + shard + "-of-00003.gguf");
    }
}
