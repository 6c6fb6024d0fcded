package io.github.mixtral4j.cli.synth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.cli.Project;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class QuantMixTest {
    private static final Map<String, Role> ROLES = Map.of(
            "token_embd", Role.EMBEDDING,
            "output", Role.OUTPUT,
            "attn_q", Role.ATTENTION_Q,
            "attn_k", Role.ATTENTION_K,
            "attn_v", Role.ATTENTION_V,
            "attn_output", Role.ATTENTION_OUTPUT,
            "ffn_gate_exps", Role.GATE_PROJ,
            "ffn_up_exps", Role.UP_PROJ,
            "ffn_down_exps", Role.DOWN_PROJ);

    @ParameterizedTest
    @ValueSource(strings = {"Q2_K", "Q3_K_M", "Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "BF16"})
    void mixesAreThoseOfFilesThatLlamaCppQuantized(String name) throws IOException {
        QuantMix mix = QuantMix.of(name);
        int matrices = 0;
        try (Checkpoint file = Checkpoint.open(Project.fixture("golden/a/gguf/" + name + ".gguf"))) {
            for (Tensor tensor : file.tensors().values()) {
                String[] parts = tensor.name().split("\\.", -1);
                Role role = ROLES.get(parts[parts.length - 2]);
                if (role != null) {
                    int layer = parts.length > 2 ? Integer.parseInt(parts[1]) : 0;
                    assertThat(tensor.dtype()).as(tensor.name()).isEqualTo(mix.dtype(role, layer, 2));
                    matrices++;
                }
            }
        }
        assertThat(matrices).isEqualTo(2 + 2 * 7);
    }

    @Test
    void q4KMediumGivesHalfOfTheDownProjectionsMoreBits() {
        StringBuilder layers = new StringBuilder();
        for (int layer = 0; layer < 32; layer++) {
            layers.append(QuantMix.Q4_K_M.dtype(Role.DOWN_PROJ, layer, 32) == DType.Q6_K ? '6' : '4');
        }
        // The first four, the last four, and of 4 to 27 every third from 6 on.
        assertThat(layers.toString()).isEqualTo("6666446446446446446446446446" + "6666");
    }

    @Test
    void smallMixesGiveTheFirstDownProjectionsMoreBits() {
        assertThat(QuantMix.Q4_K_S.dtype(Role.DOWN_PROJ, 6, 56)).isEqualTo(DType.Q5_K);
        assertThat(QuantMix.Q4_K_S.dtype(Role.DOWN_PROJ, 7, 56)).isEqualTo(DType.Q4_K);
        assertThat(QuantMix.Q3_K_M.dtype(Role.DOWN_PROJ, 2, 56)).isEqualTo(DType.Q5_K);
        assertThat(QuantMix.Q3_K_M.dtype(Role.DOWN_PROJ, 3, 56)).isEqualTo(DType.Q4_K);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Q3_K", "Q4_K", "Q5_K", "F16", "BF16", "F32"})
    void namesOfFormatsAreThatFormatThroughout(String name) {
        for (Role role : Role.values()) {
            assertThat(QuantMix.of(name).dtype(role, 0, 8)).isEqualTo(DType.valueOf(name));
        }
    }

    @Test
    void unknownNamesAreRefusedWithAllNames() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> QuantMix.of("IQ2_XS"))
                .withMessage("--type must be one of F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q3_K_S,"
                        + " Q3_K_M, Q4_K, Q4_K_S, Q4_K_M, Q5_K, Q5_K_S, Q5_K_M, Q6_K, got IQ2_XS");
        assertThat(QuantMix.of("q4_k_m")).isEqualTo(QuantMix.Q4_K_M);
    }
}
