package io.github.mixtral4j.train.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.testkit.Fixtures;
import io.github.mixtral4j.testkit.MiniJson;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The golden model's loss and load-balancing loss, as the float64 oracle has them.
final class GoldenTrainingTest {
    @ParameterizedTest
    @ValueSource(strings = {"gguf/BF16.gguf", "hf"})
    void lossesAreTheOracles(String container) throws IOException {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
        Object golden = MiniJson.parse(Files.readString(Fixtures.path("golden/a/expected.json")));
        try (Kernels kernels = Kernels.create(KernelKind.VECTOR, 2);
                LoadedModel loaded = ModelLoader.load(Fixtures.path("golden/a/" + container));
                TrainableMixtral model =
                        TrainableMixtral.of(kernels, loaded.config(), TrainingOptions.exact(300), loaded.weights())) {
            List<Object> cases = MiniJson.array(MiniJson.get(golden, "cases"));
            for (Object c : cases) {
                int[] ids = MiniJson.ints(MiniJson.get(c, "ids"));
                StepLosses losses = model.evaluate(whole(ids));
                assertThat(losses.loadBalancing())
                        .as("%s, %d tokens", container, ids.length)
                        .isCloseTo((Double) MiniJson.get(c, "load_balancing_loss"), within(1e-5));
                if (ids.length > 1) {
                    assertThat(losses.lossSum() / losses.weightSum())
                            .as("%s, %d tokens", container, ids.length)
                            .isCloseTo((Double) MiniJson.get(c, "nll_mean"), within(1e-5));
                }
            }
        }
    }

    private static PackedBatch whole(int[] ids) {
        float[] weights = new float[ids.length];
        Arrays.fill(weights, 1);
        return new PackedBatch(ids, IntStream.range(0, ids.length).toArray(), new int[1], weights);
    }
}
