package io.github.mixtral4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.AvailableMemory;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.loop.TrainConfig.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TrainingMemoryTest {
    /// 8 experts of 3 matrices of 1024 x 4096 and attention of 4 matrices of 1024 x 1024 a layer.
    private static final String BILLIONS = """
            model:
              tokenizer: t.model
              new: {hidden_size: 1024, intermediate_size: 4096, num_layers: 16, num_heads: 8, num_kv_heads: 8}
            data: {train: texts.jsonl, batch_tokens: 1024, sequence_length: 512}
            optimizer: {learning_rate: 6e-5}
            compute: f32
            output: out
            """;

    @TempDir
    private Path folder;

    @Test
    void countsParametersWithTheirMomentsAndActivations() throws IOException {
        TrainConfig config = read(BILLIONS);
        MixtralConfig model = ((Model.New) config.model()).sizes().withVocabulary(1000);
        long parameters = 2L * 1000 * 1024 + 16L * (8 * 3 * 1024 * 4096 + 4 * 1024 * 1024);
        long row = 3 * 1024 + 4 * 1024 + 2 * 2 * 4096;
        assertThat(TrainingMemory.leastBytes(config, model))
                .isEqualTo(16 * parameters + 4L * 1024 * (16 * row + 18 * 1024));
        assertThat(TrainingMemory.leastBytes(read(BILLIONS.replace("f32", "bf16") + "recompute: true\n"), model))
                .isEqualTo(18 * parameters + 4L * 1024 * (row + 18 * 1024));
    }

    @Test
    void refusesWhatDoesNotFit() throws IOException {
        TrainConfig config = read(BILLIONS);
        MixtralConfig model = ((Model.New) config.model()).sizes().withVocabulary(1000);
        Path proc = Files.createDirectories(folder.resolve("proc"));
        AvailableMemory memory = new AvailableMemory(folder);
        TrainingMemory.require(config, model, memory);
        Files.writeString(proc.resolve("meminfo"), "MemAvailable:   31457280 kB\n");
        TrainingMemory.require(config, model, memory);
        Files.writeString(proc.resolve("meminfo"), "MemAvailable:   20971520 kB\n");
        assertThatThrownBy(() -> TrainingMemory.require(config, model, memory))
                .isInstanceOf(TrainException.class)
                .hasMessage(
                        config.file() + ": this training needs at least 26.5 GiB of memory, 20.0 GiB are available; a"
                                + " smaller data.batch_tokens, recompute: true or lora need less");
    }

    private TrainConfig read(String yaml) throws IOException {
        return TrainConfig.read(Files.writeString(folder.resolve("train.yaml"), yaml));
    }
}
