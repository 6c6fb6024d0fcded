package io.github.mixtral4j.cli;

import static io.github.mixtral4j.cli.Cli.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadOptions;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What bench counts and prints. How fast anything is here proves nothing, so no test looks.
final class BenchCommandTest {
    private static final TinyMixtral MODEL =
            TinyMixtral.create(TinyConfig.mixtral().withVocabSize(1280), 7).withTokenizer(TinyTokenizer.v3(1280));

    @TempDir
    private static Path folder;

    private static String gguf;

    @BeforeAll
    static void writeModel() throws IOException {
        gguf = MODEL.writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT)
                .toString();
    }

    @Test
    void benchReportsItsContract() {
        JsonNode result = json(
                "bench",
                gguf,
                "--prefill",
                "16",
                "--decode",
                "4",
                "--repeat",
                "2",
                "--threads",
                "1",
                "--kernels",
                "vector",
                "--json");
        assertThat(result.get("prefill_tokens_per_second").doubleValue()).isPositive();
        assertThat(result.get("decode_tokens_per_second").doubleValue()).isPositive();
        assertThat(result.get("time_to_first_token_seconds").doubleValue()).isPositive();
        assertThat(result.has("peak_rss_bytes")).isTrue();
        assertThat(result.get("weight_bytes_per_token").longValue()).isPositive();
        assertThat(result.get("kernels").stringValue()).isEqualTo("vector");
        assertThat(result.get("kernels_description").stringValue()).matches("vector, \\d+ bits, 1 thread");
        assertThat(result.get("threads").intValue()).isEqualTo(1);
        assertThat(result.has("projection")).isFalse();
    }

    @Test
    void benchProjectsASliceToAllLayers() {
        String slice = folder.resolve("slice.gguf").toString();
        assertThat(Cli.run("synth", "--preset", "tiny", "--layers", "1", "--type", "Q8_0", slice)
                        .code())
                .isEqualTo(0);
        JsonNode result = json("bench", slice, "--prefill", "16", "--decode", "4", "--repeat", "1", "--json");
        JsonNode projection = result.get("projection");
        assertThat(projection.get("layers").intValue()).isEqualTo(2);
        assertThat(projection.get("prefill_tokens_per_second").doubleValue())
                .isCloseTo(result.get("prefill_tokens_per_second").doubleValue() / 2, within(1e-6));
        // The head is read once, whatever the number of layers.
        assertThat(projection.get("weight_bytes_per_token").longValue())
                .isLessThan(2 * result.get("weight_bytes_per_token").longValue());
    }

    @Test
    void benchLetsSequencesDecodeTogether() {
        JsonNode result =
                json("bench", gguf, "--prefill", "3", "--decode", "2", "--repeat", "2", "--sequences", "5,2", "--json");
        JsonNode sequences = result.get("sequences");
        assertThat(sequences.valueStream().map(group -> group.get("sequences").intValue()))
                .containsExactly(1, 2, 5);
        assertThat(sequences.get(0).get("times_one_sequence").doubleValue()).isEqualTo(1);
        for (JsonNode group : sequences) {
            assertThat(group.get("decode_tokens_per_second").doubleValue()).isPositive();
            assertThat(group.get("times_one_sequence").doubleValue()).isPositive();
        }
        assertThat(Cli.run("bench", "absent.gguf", "--sequences", "4,0"))
                .isEqualTo(new Cli(2, "", "mixtral bench: --sequences must be numbers from 1 to 1024, got 0\n"));
    }

    @Test
    void benchComparesTheModelWithTheMachine() {
        JsonNode result = json(
                "bench",
                gguf,
                "--prefill",
                "8",
                "--decode",
                "2",
                "--repeat",
                "1",
                "--kernels",
                "vector",
                "--roofline",
                "--json");
        JsonNode roofline = result.get("roofline");
        double read = roofline.get("read_bytes_per_second").doubleValue();
        assertThat(read).isPositive();
        assertThat(roofline.get("peaks")
                        .valueStream()
                        .map(peak -> peak.get("way").stringValue()))
                .containsExactly("one_row", "prompt");
        assertThat(roofline.get("phases")
                        .valueStream()
                        .map(phase -> phase.get("phase").stringValue()))
                .containsExactly("prefill", "decode");
        JsonNode decode = roofline.get("phases").get(1);
        double perSecond = decode.get("bytes_per_second").doubleValue();
        assertThat(perSecond)
                .isCloseTo(
                        decode.get("bytes_per_token").doubleValue()
                                * result.get("decode_tokens_per_second").doubleValue(),
                        withinPercentage(0.01));
        assertThat(decode.get("percent_of_read").doubleValue())
                .isCloseTo(100 * perSecond / read, withinPercentage(0.01));
        assertThat(decode.get("percent_of_limit").doubleValue())
                .isEqualTo(Math.max(
                        decode.get("percent_of_read").doubleValue(),
                        decode.get("percent_of_peak").doubleValue()));
    }

    @Test
    void benchMeasuresTheMachineWithoutAModel() {
        Cli result = Cli.run("bench", "--roofline", "--kernels", "scalar", "--threads", "1");
        assertThat(result.code()).as(result.err()).isEqualTo(0);
        assertThat(result.out()).matches("""
                        roofline, scalar, 1 thread:
                          memory is read with [\\d.]+ [MG]B/s \\(\\d+ MiB in (huge|small) pages\\)
                          1 row × Q4_K in the cache: [\\d.]+ [kMG]FLOP/s
                          1 row × Q8_0 in the cache: [\\d.]+ [kMG]FLOP/s
                          1 row × BF16 in the cache: [\\d.]+ [kMG]FLOP/s
                        """);
        assertThat(Cli.run("bench"))
                .isEqualTo(new Cli(2, "", "mixtral bench: give a MODEL, or --roofline to measure the machine alone\n"));
    }

    @Test
    void workOfAPassIsThatOfItsWeightsAndItsContext() throws IOException {
        TinyConfig config = MODEL.config();
        long kvBytes = 2L * config.numLayers() * config.kvWidth() * 2;
        try (LoadedModel loaded = ModelLoader.load(Path.of(gguf), LoadOptions.DEFAULT);
                Kernels kernels = Kernels.create(KernelKind.SCALAR, 1)) {
            Mixtral runnable = new Mixtral(loaded.config(), loaded.weights(), kernels);
            var noAdapters = new AdapterArgument.Opened(List.of(), List.of());
            OpenModel model = new OpenModel(loaded, noAdapters, kernels, runnable);
            StepWork one = StepWork.of(model, DType.F16, 1, 1, 10);
            ModelSizes sizes = ModelSizes.of(model.config(), loaded.weights());
            assertThat(one.bytes()).isEqualTo(sizes.bytesPerToken() + 10 * kvBytes);
            long embedding = loaded.weights().embedding().shape().elements();
            double attention = 4.0 * config.numLayers() * model.config().queryWidth() * 11;
            assertThat(one.operations()).isEqualTo(2.0 * (sizes.activeParameters() - embedding) + attention);

            // A prompt meets all experts and wants one row of logits.
            StepWork prompt = StepWork.of(model, DType.F16, 1, 300, 0);
            long total = loaded.checkpoint().tensors().values().stream()
                    .mapToLong(tensor -> tensor.data().byteSize())
                    .sum();
            Tensor table = loaded.weights().embedding();
            assertThat(prompt.bytes())
                    .isCloseTo(total - table.data().byteSize() + table.rowBytes(), withinPercentage(0.001));

            // Sequences share weights and have contexts of their own.
            StepWork three = StepWork.of(model, DType.F16, 3, 1, 10);
            assertThat(three.operations()).isEqualTo(3 * one.operations());
            assertThat(three.bytes()).isBetween(one.bytes() + 20 * kvBytes, total + 30.0 * kvBytes);
        }
    }
}
