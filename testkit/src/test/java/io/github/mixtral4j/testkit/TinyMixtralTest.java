package io.github.mixtral4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TinyMixtralTest {
    private static final int[] IDS = new Random(3).ints(32, 0, 512).toArray();

    @TempDir
    Path folder;

    @Test
    void goldenTensorsWrittenInEveryContainerAreTheGoldenFiles() throws IOException {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
        Path golden = Fixtures.path("golden/a");
        TinyConfig config = TinyConfig.parseHuggingFace(Files.readString(golden.resolve("hf/config.json")));
        TinyMixtral model =
                TinyMixtral.of(config, RawTensors.readSafetensors(golden.resolve("mistral/consolidated.safetensors")));

        model.writeHuggingFace(folder, 2);
        assertSame(
                readShards(folder, "model"),
                RawTensors.readSafetensors(
                        golden.resolve("hf/model-00001-of-00002.safetensors"),
                        golden.resolve("hf/model-00002-of-00002.safetensors")));
        RawTensors gguf = RawTensors.readGguf(golden.resolve("gguf/BF16.gguf"));
        Path written = model.writeGguf(folder.resolve("a.gguf"), TinyMixtral.GgufStyle.DEFAULT);
        assertSame(RawTensors.readGguf(written), gguf);
        assertSame(TinyMixtral.ofGguf(config, gguf).tensors(), model.tensors());
        RawTensors split = RawTensors.readGguf(golden.resolve("gguf/split-experts-F16.gguf"));
        // Weights among float16's subnormals were rounded in this file.
        assertClose(TinyMixtral.ofGguf(config, split).tensors(), model.tensors(), 0x1p-25);
    }

    @Test
    void everyContainerHoldsTheSameNumbers() throws IOException {
        TinyConfig config = TinyConfig.mixtral();
        TinyMixtral model = TinyMixtral.create(config, 1);
        for (int version = 2; version <= 3; version++) {
            for (boolean stacked : new boolean[] {true, false}) {
                TinyMixtral.GgufStyle style = new TinyMixtral.GgufStyle(version, stacked, 1);
                Path file = model.writeGguf(folder.resolve("tiny.gguf"), style);
                RawTensors read = RawTensors.readGguf(file);
                assertThat(read.byName().containsKey("blk.1.ffn_up_exps.weight"))
                        .isEqualTo(stacked);
                assertThat(read.byName().containsKey("blk.1.ffn_up.5.weight")).isEqualTo(!stacked);
                assertSame(TinyMixtral.ofGguf(config, read).tensors(), model.tensors());
            }
        }
        for (int shards = 1; shards <= 3; shards += 2) {
            model.writeMistral(folder.resolve("mistral" + shards), shards);
            assertSame(readShards(folder.resolve("mistral" + shards), "consolidated"), model.tensors());
        }
    }

    @Test
    void ggufShardsTogetherHoldAllTensors() throws IOException {
        TinyMixtral model = TinyMixtral.create(TinyConfig.mixtral(), 1);
        Path first = model.writeGguf(folder.resolve("tiny.gguf"), new TinyMixtral.GgufStyle(3, true, 3));
        assertThat(first).isEqualTo(folder.resolve("tiny-00001-of-00003.gguf"));
        int tensors = 0;
        for (int s = 1; s <= 3; s++) {
            tensors += RawTensors.readGguf(folder.resolve("tiny-0000" + s + "-of-00003.gguf"))
                    .byName()
                    .size();
        }
        assertThat(tensors).isEqualTo(3 + 2 * 10);
    }

    @Test
    void numbersDependOnSeedAndNameButNotOnTheFloatFormat() {
        TinyConfig config = TinyConfig.mixtral();
        RawTensors one = TinyMixtral.create(config, 1).tensors();
        assertSame(TinyMixtral.create(config, 1).tensors(), one);
        assertThat(TinyMixtral.create(config, 2).tensors().get("output.weight").values())
                .isNotEqualTo(one.get("output.weight").values());
        for (BlockFormat format : new BlockFormat[] {BlockFormat.F16, BlockFormat.F32}) {
            RawTensors other = TinyMixtral.create(config, 1, name -> format).tensors();
            assertThat(other.get("output.weight").format()).isEqualTo(format);
            assertSame(other, one);
        }
    }

    @ParameterizedTest
    @EnumSource
    void drawnBlocksHaveTheWantedSpreadAndNoBias(BlockFormat format) {
        double[] values = ReferenceBlocks.decode(format, new RandomBlocks(new Random(5), 0.1).draw(format, 256 * 200));
        double mean = Arrays.stream(values).average().orElseThrow();
        double deviation =
                Math.sqrt(Arrays.stream(values).map(v -> v * v).average().orElseThrow());
        assertThat(mean).isBetween(-0.02, 0.02);
        assertThat(deviation).isBetween(0.05, 0.2);
    }

    @ParameterizedTest
    @EnumSource
    void logitsAreLivelyAndRoutingIsSpread(BlockFormat format) {
        TinyConfig config = TinyConfig.mixtral();
        TinyMixtral model = TinyMixtral.create(config, 11, name -> format);
        ReferenceTrace trace = new ReferenceMixtral(model.weights()).forward(IDS);
        double[] logits = trace.lastLogits();
        double deviation =
                Math.sqrt(Arrays.stream(logits).map(v -> v * v).average().orElseThrow());
        assertThat(deviation).isBetween(0.8, 4.0);
        for (ReferenceTrace.Layer layer : trace.layers()) {
            int[] uses = new int[config.numExperts()];
            double firstShare = 0;
            for (int t = 0; t < IDS.length; t++) {
                for (int e : layer.experts()[t]) {
                    uses[e]++;
                }
                firstShare += layer.feedForward().expertWeights()[t][0] / IDS.length;
            }
            assertThat(Arrays.stream(uses).filter(n -> n > 0).count())
                    .as("experts in use")
                    .isGreaterThanOrEqualTo(5);
            assertThat(firstShare).as("mean weight of the first expert").isBetween(0.6, 0.95);
            double ratio =
                    norm(layer.feedForward().output()) / norm(layer.attention().residual());
            assertThat(ratio).as("what experts add").isBetween(0.1, 10.0);
            assertThat(norm(layer.attention().output())
                            / norm(layer.feedForward().residual()))
                    .as("what attention adds")
                    .isGreaterThan(0.05);
        }
    }

    @Test
    void denseModelHasNoRouterInAnyContainer() throws IOException {
        TinyConfig config = TinyConfig.dense();
        TinyMixtral model = TinyMixtral.create(config, 4);
        model.writeHuggingFace(folder, 1);
        Path gguf = model.writeGguf(folder.resolve("dense.gguf"), TinyMixtral.GgufStyle.DEFAULT);
        assertSame(TinyMixtral.ofGguf(config, RawTensors.readGguf(gguf)).tensors(), model.tensors());
        assertThat(RawTensors.readGguf(gguf).byName()).hasSize(3 + 2 * 9).containsKey("blk.0.ffn_gate.weight");
        assertThat(readShards(folder, "model").byName())
                .hasSize(3 + 2 * 9)
                .containsKey("model.layers.0.mlp.up_proj.weight");
        ReferenceTrace trace = new ReferenceMixtral(model.weights()).forward(IDS);
        assertThat(trace.layers().getFirst().experts()[0]).isEmpty();
        assertThat(norm(trace.layers().getFirst().feedForward().output())).isPositive();
    }

    @Test
    void everyContainerCarriesTheTokenizer() throws IOException {
        TinyTokenizer tokenizer = TinyTokenizer.v1(512);
        TinyMixtral model =
                TinyMixtral.create(TinyConfig.mixtral().withNumLayers(1), 4).withTokenizer(tokenizer);
        model.writeHuggingFace(folder.resolve("hf"), 1);
        model.writeMistral(folder.resolve("mistral"), 1);
        assertThat(folder.resolve("hf/tokenizer.model")).hasBinaryContent(tokenizer.sentencePieceModel());
        assertThat(folder.resolve("mistral/tokenizer.model")).hasBinaryContent(tokenizer.sentencePieceModel());
        Path gguf = model.writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT);
        assertThat(Files.readString(gguf, StandardCharsets.ISO_8859_1))
                .contains("tokenizer.ggml.token_type")
                .contains("<0x0A>");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.withTokenizer(TinyTokenizer.v1(600)))
                .withMessage("600 pieces do not fit a vocabulary of 512");
    }

    private static double norm(double[][] x) {
        return Math.sqrt(
                Stream.of(x).flatMapToDouble(Arrays::stream).map(v -> v * v).sum());
    }

    /// All tensors of a folder, from one file or shards with an index.
    private static RawTensors readShards(Path folder, String stem) throws IOException {
        List<Path> files = new ArrayList<>();
        Path index = folder.resolve(stem + ".safetensors.index.json");
        if (Files.exists(index)) {
            MiniJson.object(MiniJson.get(MiniJson.parse(Files.readString(index)), "weight_map")).values().stream()
                    .distinct()
                    .forEach(name -> files.add(folder.resolve((String) name)));
        } else {
            files.add(folder.resolve(stem + ".safetensors"));
        }
        return RawTensors.readSafetensors(files.toArray(Path[]::new));
    }

    private static void assertSame(RawTensors got, RawTensors want) {
        assertClose(got, want, 0);
    }

    private static void assertClose(RawTensors got, RawTensors want, double tolerance) {
        assertThat(got.byName().keySet())
                .containsExactlyInAnyOrderElementsOf(want.byName().keySet());
        for (RawTensor tensor : want.byName().values()) {
            assertThat(got.get(tensor.name()).dims()).as(tensor.name()).isEqualTo(tensor.dims());
            double[] a = got.get(tensor.name()).values();
            double[] b = tensor.values();
            double worst = 0;
            for (int i = 0; i < b.length; i++) {
                worst = Math.max(worst, Math.abs(a[i] - b[i]));
            }
            assertThat(worst).as(tensor.name()).isLessThanOrEqualTo(tolerance);
        }
    }
}
