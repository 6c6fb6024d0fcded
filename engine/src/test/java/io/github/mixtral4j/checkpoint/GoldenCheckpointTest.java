package io.github.mixtral4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Files that other programs wrote.
class GoldenCheckpointTest {
    @BeforeEach
    void goldenModelsArePresent() {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
    }

    @Test
    void everyGgufOpens() throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(Fixtures.path("golden/a/gguf"))) {
            files = all.toList();
        }
        assertThat(files).isNotEmpty();
        for (Path file : files) {
            boolean split = Names.file(file).startsWith("split-experts");
            try (Checkpoint mapped = Checkpoint.open(file);
                    Checkpoint copied = Checkpoint.open(file, LoadMode.COPY)) {
                assertThat(mapped.tensors()).as(file.toString()).hasSize(split ? 65 : 23);
                assertThat(mapped.totalBytes()).isEqualTo(Files.size(file));
                for (Tensor tensor : mapped.tensors().values()) {
                    assertThat(tensor.data()
                                    .mismatch(copied.tensor(tensor.name()).data()))
                            .as(tensor.name())
                            .isEqualTo(-1);
                }
            }
        }
    }

    @Test
    void safetensorsFoldersHoldTheSameBytes() throws IOException {
        try (SafetensorsCheckpoint huggingFace = (SafetensorsCheckpoint) Checkpoint.open(Fixtures.path("golden/a/hf"));
                SafetensorsCheckpoint mistral =
                        (SafetensorsCheckpoint) Checkpoint.open(Fixtures.path("golden/a/mistral"))) {
            assertThat(huggingFace.layout()).isEqualTo(SafetensorsLayout.HUGGING_FACE);
            assertThat(mistral.layout()).isEqualTo(SafetensorsLayout.MISTRAL);
            assertThat(huggingFace.tensors()).hasSize(65);
            assertThat(mistral.tensors()).hasSize(65);
            assertThat(huggingFace.config().get("hidden_size").intValue())
                    .isEqualTo(mistral.config().get("dim").intValue());
            assertThat(huggingFace
                            .tensor("lm_head.weight")
                            .data()
                            .mismatch(mistral.tensor("output.weight").data()))
                    .isEqualTo(-1);
        }
    }
}
