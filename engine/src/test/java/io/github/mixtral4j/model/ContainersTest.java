package io.github.mixtral4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.checkpoint.LoadMode;
import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadOptions;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyMixtral.GgufStyle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Ring 3: the same weights give the same logits from every container, to the bit.
class ContainersTest {
    private static final TestKernels KERNELS = new TestKernels();
    private static final int[] IDS = new Random(1).ints(6, 0, 512).toArray();

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    @ParameterizedTest
    @CsvSource({"SCALAR, true", "SCALAR, false", "NATIVE, true", "NATIVE, false"})
    void everyContainerGivesTheSameLogits(KernelKind kind, boolean mixture) throws IOException {
        Kernels kernels = KERNELS.get(kind);
        TinyConfig config = mixture ? TinyConfig.mixtral().withExperts(4, 2) : TinyConfig.dense();
        TinyMixtral tiny = TinyMixtral.create(config, 9);
        float[][] want = TestModel.logits(TestModel.of(tiny, kernels), IDS, DType.F32, 5);
        List<GgufStyle> styles = List.of(
                new GgufStyle(2, true, 1),
                new GgufStyle(3, false, 1),
                new GgufStyle(3, true, 3),
                new GgufStyle(2, false, 3));
        for (GgufStyle style : styles) {
            Path file = folder.resolve("style" + styles.indexOf(style) + ".gguf");
            assertThat(logits(kernels, tiny.writeGguf(file, style)))
                    .as(style.toString())
                    .isDeepEqualTo(want);
        }
        for (int shards = 1; shards <= 3; shards += 2) {
            Path mistral = folder.resolve("mistral" + shards);
            tiny.writeMistral(mistral, shards);
            assertThat(logits(kernels, mistral)).as("Mistral").isDeepEqualTo(want);
            Path huggingFace = folder.resolve("hf" + shards);
            tiny.writeHuggingFace(huggingFace, shards);
            if (kind == KernelKind.SCALAR) {
                assertThat(logits(kernels, huggingFace)).as("Hugging Face").isDeepEqualTo(want);
            } else {
                // The elements of queries and keys stand in another order there, and so do the terms of their products.
                assertClose(logits(kernels, huggingFace), want);
            }
        }
    }

    @Test
    void everyFloatFormatAndACopyGiveTheSameLogits() throws IOException {
        Kernels scalar = KERNELS.get(KernelKind.SCALAR);
        float[][] want = null;
        for (BlockFormat format : new BlockFormat[] {BlockFormat.BF16, BlockFormat.F16, BlockFormat.F32}) {
            TinyMixtral tiny = TinyMixtral.create(TinyConfig.mixtral().withExperts(4, 2), 9, name -> format);
            Path file = tiny.writeGguf(folder.resolve(format + ".gguf"), GgufStyle.DEFAULT);
            float[][] mapped = logits(scalar, file);
            assertThat(mapped).as(format + " and BF16").isDeepEqualTo(want == null ? mapped : want);
            assertThat(logits(scalar, file, LoadOptions.DEFAULT.withMode(LoadMode.COPY)))
                    .as(format + " copied")
                    .isDeepEqualTo(mapped);
            want = mapped;
        }
    }

    private static void assertClose(float[][] got, float[][] want) {
        for (int t = 0; t < want.length; t++) {
            for (int i = 0; i < want[t].length; i++) {
                assertThat(got[t][i]).as("token %d, logit %d", t, i).isCloseTo(want[t][i], within(0.05f));
            }
        }
    }

    private static float[][] logits(Kernels kernels, Path path) throws IOException {
        return logits(kernels, path, LoadOptions.DEFAULT);
    }

    private static float[][] logits(Kernels kernels, Path path, LoadOptions options) throws IOException {
        try (LoadedModel loaded = ModelLoader.load(path, options)) {
            return TestModel.logits(new Mixtral(loaded.config(), loaded.weights(), kernels), IDS, DType.F32, 5);
        }
    }
}
