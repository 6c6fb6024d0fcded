package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.testkit.Fixtures;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The golden model in every container that was made of it.
class GoldenModelsTest {
    @BeforeEach
    void goldenModelsArePresent() {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
    }

    @Test
    void exactContainersHoldTheSameNumbers() throws IOException {
        Map<String, float[]> expected = new LinkedHashMap<>();
        try (LoadedModel mistral = ModelLoader.load(Fixtures.path("golden/a/mistral"))) {
            expected.putAll(Containers.numbers(mistral));
        }
        for (String path : List.of("hf", "gguf/BF16.gguf", "gguf/split-experts-F16.gguf")) {
            try (LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/" + path))) {
                Map<String, float[]> found = Containers.numbers(loaded);
                assertThat(found.keySet()).containsExactlyElementsOf(expected.keySet());
                // Half the smallest F16: what rounding from BF16 may cost where F16 runs out of exponents.
                double tolerance = path.endsWith("-F16.gguf") ? 0x1p-25 : 0;
                found.forEach((name, numbers) -> assertThat(largestDifference(numbers, expected.get(name)))
                        .as(path + ": " + name)
                        .isLessThanOrEqualTo(tolerance));
            }
        }
    }

    private static double largestDifference(float[] a, float @Nullable [] b) {
        if (b == null || a.length != b.length) {
            return Double.POSITIVE_INFINITY;
        }
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
        }
        return largest;
    }

    @Test
    void configsAreEqual() throws IOException {
        List<Path> paths;
        try (Stream<Path> ggufs = Files.list(Fixtures.path("golden/a/gguf"))) {
            paths = Stream.concat(ggufs, Stream.of("hf", "mistral").map(name -> Fixtures.path("golden/a/" + name)))
                    .toList();
        }
        assertThat(paths).hasSizeGreaterThan(2);
        for (Path path : paths) {
            boolean mistral = path.endsWith("mistral");
            RopeLayout rope = path.endsWith("hf") ? RopeLayout.HALF_SPLIT : RopeLayout.INTERLEAVED;
            try (LoadedModel loaded = ModelLoader.load(path)) {
                assertThat(loaded.config())
                        .as(path.toString())
                        // params.json does not say the context length.
                        .isEqualTo(new MixtralConfig(
                                256, 256, 2, 8, 2, 32, 2048, 8, 2, mistral ? 32768 : 4096, 1e-5f, 1e6f, rope));
            }
        }
    }

    @Test
    void tokenizersAreEqual() throws IOException {
        Tokenizer ofFile = TokenizerLoader.open(Fixtures.path("golden/a/hf"));
        Tokenizer ofGguf = TokenizerLoader.open(Fixtures.path("golden/a/gguf/Q4_0.gguf"));
        assertThat(ofFile.vocabSize()).isEqualTo(2048);
        assertThat(ofGguf.vocabSize()).isEqualTo(2048);
        for (int id = 0; id < 2048; id++) {
            assertThat(ofGguf.piece(id)).isEqualTo(ofFile.piece(id));
            assertThat(ofGguf.isControl(id)).isEqualTo(ofFile.isControl(id));
        }
        String text = "The quick brown fox — 你好, 42 times.";
        assertThat(ofGguf.encode(text)).isEqualTo(ofFile.encode(text));
        try (LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/mistral"))) {
            assertThat(loaded.tokenizer()).isEmpty();
        }
    }

    @Test
    void conformanceTokenizersOpenByTheirNames() throws IOException {
        assertThat(TokenizerLoader.open(Fixtures.path("conformance/tokenizer.model.v1"))
                        .vocabSize())
                .isEqualTo(32000);
        assertThat(TokenizerLoader.open(Fixtures.path("conformance/tokenizer.model.v3"))
                        .vocabSize())
                .isEqualTo(32768);
    }
}
