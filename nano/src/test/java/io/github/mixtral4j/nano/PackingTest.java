package io.github.mixtral4j.nano;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.generate.Scoring;
import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PackingTest {
    private static final TinyMixtral TINY =
            TinyMixtral.create(TinyConfig.mixtral().withVocabSize(1500), 4);

    @TempDir
    private Path folder;

    @Test
    void thePackedModelIsTheSameModelInEightBits() throws IOException, InterruptedException {
        Path source = folder.resolve("hf");
        TINY.writeHuggingFace(source, 1);
        Files.write(source.resolve("tokenizer.model"), TinyTokenizer.v3(1500).sentencePieceModel());
        Path packed = folder.resolve("packed.gguf");
        Packing.pack(source, packed, DType.Q8_0);

        try (LoadedModel before = ModelLoader.load(source);
                LoadedModel after = ModelLoader.load(packed)) {
            assertThat(after.weights().layers().getFirst().wq().dtype()).isEqualTo(DType.Q8_0);
            assertThat(after.tokenizer().orElseThrow().encode("a word"))
                    .isEqualTo(before.tokenizer().orElseThrow().encode("a word"));
            assertThat(loss(after)).isCloseTo(loss(before), Percentage.withPercentage(0.3));
        }
        assertThat(Files.size(packed)).isLessThan(Files.size(source.resolve("model.safetensors")) * 3 / 4);
    }

    /// Long enough that another order of rotary elements would show.
    private static double loss(LoadedModel loaded) throws InterruptedException {
        int[] ids = new SplittableRandom(9).ints(96, 3, 1500).toArray();
        try (Kernels kernels = Kernels.create(KernelKind.SCALAR, 1);
                Scoring scoring =
                        Scoring.allocate(new Mixtral(loaded.config(), loaded.weights(), kernels), 256, DType.F32, 64)) {
            return scoring.meanNll(ids);
        }
    }

    @Test
    void refusesWhatHasNoTokenizer() throws IOException {
        Path bare = folder.resolve("bare");
        TINY.writeHuggingFace(bare, 1);
        assertThatThrownBy(() -> Packing.pack(bare, folder.resolve("x.gguf"), DType.Q8_0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(bare + " has no tokenizer; it cannot be packed");
        assertThat(folder.resolve("x.gguf")).doesNotExist();
    }
}
