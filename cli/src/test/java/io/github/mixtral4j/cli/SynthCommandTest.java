package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.cli.synth.Preset;
import io.github.mixtral4j.cli.synth.QuantMix;
import io.github.mixtral4j.cli.synth.Synthesis;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class SynthCommandTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"Q3_K_S", "Q3_K_M", "Q4_K_S", "Q4_K", "Q5_K_S", "Q5_K_M"})
    void everyFormatMakesAFileThatOpens(QuantMix type) throws IOException {
        Path file = folder.resolve(type + ".gguf");
        Cli result = Cli.run("synth", "--preset", "tiny", "--layers", "1", "--type", type.name(), file.toString());
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(checkpoint.tensors()).hasSize(13);
        }
    }

    @Test
    void weightsKeepTheSizeOfWhatTheyMultiply() throws IOException {
        Path file = folder.resolve("a.gguf");
        assertThat(Cli.run("synth", "--preset", "tiny", "--layers", "1", "--type", "Q4_K", file.toString())
                        .code())
                .isEqualTo(0);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThat(deviation(checkpoint.tensor("token_embd.weight"))).isCloseTo(1, within(0.02));
            assertThat(deviation(checkpoint.tensor("blk.0.ffn_gate_exps.weight")))
                    .isCloseTo(1 / 16.0, within(0.002));
            assertThat(deviation(checkpoint.tensor("blk.0.ffn_down_exps.weight")))
                    .isCloseTo(1 / Math.sqrt(512), within(0.001));
            assertThat(values(checkpoint.tensor("output_norm.weight"))).containsOnly(1f);
        }
    }

    @Test
    void rowsOfTheEmbeddingDiffer() throws IOException {
        Path file = folder.resolve("a.gguf");
        assertThat(Cli.run("synth", "--preset", "tiny", "--layers", "1", "--type", "Q8_0", file.toString())
                        .code())
                .isEqualTo(0);
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Tensor embedding = checkpoint.tensor("token_embd.weight");
            Set<Integer> rows = new HashSet<>();
            for (int row = 0; row < embedding.rows(); row++) {
                rows.add(Arrays.hashCode(values(embedding.rows(row, row + 1))));
            }
            assertThat(rows).hasSize(embedding.rows());
        }
    }

    @Test
    void sameSeedSameFileWithAnyNumberOfThreads() throws IOException {
        Preset tiny = Preset.of("tiny");
        Synthesis one = new Synthesis(tiny, 2, QuantMix.Q4_K_M, Synthesis.placeholder(tiny), 7);
        Synthesis other = new Synthesis(tiny, 2, QuantMix.Q4_K_M, Synthesis.placeholder(tiny), 8);
        one.write(folder.resolve("a"), 1, bytes -> {});
        one.write(folder.resolve("b"), 4, bytes -> {});
        other.write(folder.resolve("c"), 4, bytes -> {});
        assertThat(Files.mismatch(folder.resolve("a"), folder.resolve("b"))).isEqualTo(-1);
        assertThat(Files.mismatch(folder.resolve("a"), folder.resolve("c"))).isNotEqualTo(-1);
    }

    @Test
    void takesTheTokenizerAndItsSize() throws IOException {
        Path file = folder.resolve("a.gguf");
        String tokenizer = Project.fixture("conformance/tokenizer.model.v3").toString();
        Cli result = Cli.run(
                "synth",
                "--preset",
                "tiny",
                "--layers",
                "1",
                "--type",
                "Q4_0",
                "--tokenizer",
                tokenizer,
                file.toString());
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        try (GgufCheckpoint checkpoint = (GgufCheckpoint) Checkpoint.open(file)) {
            assertThat(checkpoint.tensor("output.weight").rows()).isEqualTo(32768);
            assertThat(checkpoint.metadata().texts("tokenizer.ggml.tokens").get(5))
                    .isEqualTo("[TOOL_CALLS]");
            assertThat(checkpoint.metadata().integer(Synthesis.FULL_LAYERS)).isEqualTo(2);
            assertThat(checkpoint.metadata().integer("llama.block_count")).isEqualTo(1);
        }
    }

    @Test
    void mistakesAreNamed() {
        assertThat(Cli.run("synth", "--preset", "7b", "--type", "Q4_K", "x"))
                .isEqualTo(new Cli(2, "", "mixtral synth: --preset must be one of 8x22b, 8x7b, tiny, got 7b\n"));
        assertThat(Cli.run("synth", "--preset", "8x7b", "--layers", "33", "--type", "Q4_K", "x"))
                .isEqualTo(new Cli(2, "", "mixtral synth: --layers must be 1 to 32, got 33\n"));
        Path file = folder.resolve("absent").resolve("x.gguf");
        assertThat(Cli.run("synth", "--preset", "tiny", "--type", "Q4_K", file.toString()))
                .isEqualTo(
                        new Cli(1, "", "mixtral synth: " + file + ": there is no folder " + file.getParent() + "\n"));
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        BlockCodec.of(tensor.dtype()).decode(tensor.data(), 0, values, 0, values.length);
        return values;
    }

    private static double deviation(Tensor tensor) {
        double sum = 0;
        float[] values = values(tensor);
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum / values.length);
    }
}
