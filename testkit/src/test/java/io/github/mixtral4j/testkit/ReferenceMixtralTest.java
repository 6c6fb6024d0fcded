package io.github.mixtral4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The reference against the golden model's float64 oracle, whose numbers are rounded to five or six decimals.
class ReferenceMixtralTest {
    @BeforeEach
    void needsGoldenModels() {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
    }

    @Test
    void exactWeightsGiveTheOraclesAnswers() throws IOException {
        TinyConfig config = config();
        RawTensors tensors = RawTensors.readSafetensors(Fixtures.path("golden/a/mistral/consolidated.safetensors"));
        ReferenceMixtral model = new ReferenceMixtral(ReferenceWeights.of(config, tensors));
        List<Object> cases = cases();
        assertThat(cases).hasSize(4);
        for (Object c : cases) {
            ReferenceTrace trace = model.forward(MiniJson.ints(MiniJson.get(c, "ids")));
            int last = trace.ids().length - 1;
            assertThat(trace.lastLogits())
                    .containsExactly(MiniJson.doubles(MiniJson.get(c, "last_logits")), within(1e-6));
            for (int l = 0; l < config.numLayers(); l++) {
                ReferenceTrace.Layer layer = trace.layers().get(l);
                assertThat(layer.feedForward().routerLogits()[last])
                        .containsExactly(
                                MiniJson.doubles(MiniJson.array(MiniJson.get(c, "router_logits_last"))
                                        .get(l)),
                                within(1e-6));
                List<Object> experts = MiniJson.array(
                        MiniJson.array(MiniJson.get(c, "experts")).get(l));
                for (int t = 0; t <= last; t++) {
                    assertThat(layer.experts()[t])
                            .as("layer " + l + " token " + t)
                            .containsExactly(MiniJson.ints(experts.get(t)));
                }
            }
            assertThat(trace.finalNorm()[last])
                    .containsExactly(MiniJson.doubles(MiniJson.get(c, "hidden_last")), within(1e-6));
            assertThat(trace.loadBalancingLoss())
                    .isCloseTo((Double) MiniJson.get(c, "load_balancing_loss"), within(1e-12));
            if (last > 0) {
                assertThat(trace.nllMean()).isCloseTo((Double) MiniJson.get(c, "nll_mean"), within(1e-12));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Q4_0", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K"})
    void dequantizedWeightsGiveTheOraclesAnswers(String type) throws IOException {
        RawTensors gguf = RawTensors.readGguf(Fixtures.path("golden/a/gguf/" + type + ".gguf"));
        ReferenceMixtral model =
                new ReferenceMixtral(TinyMixtral.ofGguf(config(), gguf).weights());
        String json = Files.readString(Fixtures.path("golden/a/expected-quantized.json"));
        List<Object> answers = MiniJson.array(MiniJson.get(MiniJson.get(MiniJson.parse(json), "types"), type));
        List<Object> cases = cases();
        // The last case has 300 tokens, which would take as long as all others together.
        for (int i = 0; i < 3; i++) {
            ReferenceTrace trace = model.forward(MiniJson.ints(MiniJson.get(cases.get(i), "ids")));
            int last = trace.ids().length - 1;
            assertThat(trace.lastLogits())
                    .containsExactly(MiniJson.doubles(MiniJson.get(answers.get(i), "last_logits")), within(1e-5));
            List<Object> experts = MiniJson.array(MiniJson.get(answers.get(i), "experts_last"));
            for (int l = 0; l < experts.size(); l++) {
                assertThat(trace.layers().get(l).experts()[last]).containsExactly(MiniJson.ints(experts.get(l)));
            }
        }
    }

    private static TinyConfig config() throws IOException {
        return TinyConfig.parseHuggingFace(Files.readString(Fixtures.path("golden/a/hf/config.json")));
    }

    private static List<Object> cases() throws IOException {
        String json = Files.readString(Fixtures.path("golden/a/expected.json"));
        return MiniJson.array(MiniJson.get(MiniJson.parse(json), "cases"));
    }
}
