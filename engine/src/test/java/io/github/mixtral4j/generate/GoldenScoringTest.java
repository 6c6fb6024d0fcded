package io.github.mixtral4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.Fixtures;
import io.github.mixtral4j.testkit.RawTensors;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The mean next-token loss against the float64 oracle of the golden model.
class GoldenScoringTest {
    @Test
    void meanNllIsThatOfTheOracle() throws Exception {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
        TinyConfig config = TinyConfig.parseHuggingFace(Files.readString(Fixtures.path("golden/a/hf/config.json")));
        RawTensors tensors = RawTensors.readGguf(Fixtures.path("golden/a/gguf/BF16.gguf"));
        JsonNode cases = JsonMapper.shared()
                .readTree(Files.readString(Fixtures.path("golden/a/expected.json")))
                .get("cases");
        int compared = 0;
        try (var golden = new TinyModel(TinyMixtral.ofGguf(config, tensors));
                var scoring = Scoring.allocate(golden.model, 512, DType.F32, 128)) {
            for (JsonNode one : cases) {
                int[] ids =
                        one.get("ids").valueStream().mapToInt(JsonNode::asInt).toArray();
                if (ids.length > 1) {
                    assertThat(scoring.meanNll(ids))
                            .as("%d ids", ids.length)
                            .isEqualTo(one.get("nll_mean").asDouble(), within(1e-4));
                    compared++;
                }
            }
        }
        assertThat(compared).isPositive();
    }
}
