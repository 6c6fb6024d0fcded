package io.github.mixtral4j.nano;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.train.loop.TrainConfig;
import io.github.mixtral4j.train.loop.TrainConfig.Model;
import io.github.mixtral4j.train.loop.TrainConfig.Objective;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The recipe is what the trainer reads, and its parts fit together.
final class RecipeTest {
    private static final Path NANO = Path.of(System.getProperty("mixtral4j.root"), "nano");

    private static TrainConfig read(String name) throws IOException {
        return TrainConfig.read(NANO.resolve("recipe/" + name + ".yaml"));
    }

    @Test
    void everyPartBeginsWithWhatTheOneBeforeItLeaves() throws IOException {
        String script = Files.readString(NANO.resolve("train-nano"));
        List<String> parts = List.of("first", "repeat", "skills", "prefer");
        for (int i = 0; i < parts.size(); i++) {
            String name = parts.get(i);
            Path output = NANO.resolve("work").resolve(name);
            assertThat(read(name).output().normalize()).isEqualTo(output);
            assertThat(script).contains("step " + name + " train " + name + "\n");
            if (i + 1 < parts.size()) {
                assertThat(base(parts.get(i + 1))).isEqualTo(output.resolve("model.gguf"));
            }
        }
    }

    @Test
    void adaptersAreTriedOnWhatIsThere() throws IOException {
        Path work = NANO.resolve("work");
        String script = Files.readString(NANO.resolve("try-adapters"));
        assertThat(base("lora")).isEqualTo(work.resolve("merged.gguf"));
        assertThat(base("qlora")).isEqualTo(work.resolve("adapters/base-q4_k.gguf"));
        for (String name : new String[] {"lora", "qlora"}) {
            assertThat(read(name).output().normalize()).isEqualTo(work.resolve("adapters/" + name));
            assertThat(read(name).lora()).isPresent();
            assertThat(script).contains("step " + name + " train " + name + "\n", "marks " + name + " ");
        }
    }

    private static Path base(String name) throws IOException {
        return ((Model.Base) read(name).model()).path().normalize();
    }

    @Test
    void theModelFitsTwentyFiveMegabytesInEightBits() throws IOException {
        MixtralConfig c = ((Model.New) read("first").model()).sizes().withVocabulary(4096);
        long attention = 2L * c.hiddenSize() * (c.queryWidth() + c.kvWidth());
        long experts = 3L * c.numExperts() * c.intermediateSize() * c.hiddenSize();
        long matrices = 2L * c.vocabSize() * c.hiddenSize() + c.numLayers() * (attention + experts);
        // Q8_0: 34 bytes for 32 weights.
        assertThat(matrices * 34 / 32).isBetween(20_000_000L, 24_800_000L);
        assertThat(c.contextLength()).isGreaterThanOrEqualTo(2048);
    }

    @Test
    void thePreferencesAreLearnedByAnAdapter() throws IOException {
        TrainConfig config = read("prefer");
        assertThat(config.objective()).isInstanceOf(Objective.Preference.class);
        assertThat(config.lora()).isPresent();
    }
}
