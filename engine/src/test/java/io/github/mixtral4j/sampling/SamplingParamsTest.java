package io.github.mixtral4j.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplingParamsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    temperature       | -0.5     | temperature must be >= 0, got -0.5
                    temperature       | NaN      | temperature must be a finite number, got NaN
                    temperature       | Infinity | temperature must be a finite number, got Infinity
                    topK              | -1       | topK must be >= 0 (0 keeps all tokens), got -1
                    topP              | 1.5      | topP must be between 0 and 1, got 1.5
                    topP              | NaN      | topP must be between 0 and 1, got NaN
                    minP              | -0.1     | minP must be between 0 and 1, got -0.1
                    typicalP          | 2        | typicalP must be between 0 and 1, got 2.0
                    repetitionPenalty | 0        | repetitionPenalty must be > 0 (1 changes nothing), got 0.0
                    repetitionPenalty | Infinity | repetitionPenalty must be a finite number, got Infinity
                    presencePenalty   | NaN      | presencePenalty must be a finite number, got NaN
                    frequencyPenalty  | Infinity | frequencyPenalty must be a finite number, got Infinity
                    penaltyLastN      | -2       | penaltyLastN must be >= -1 (-1 is the whole text), got -2
                    """)
    void rejectsWhatIsOutOfRange(String name, double value, String message) {
        assertThatThrownBy(
                        () -> set(name, value).apply(SamplingParams.builder()).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    private static UnaryOperator<SamplingParams.Builder> set(String name, double value) {
        return switch (name) {
            case "temperature" -> b -> b.temperature(value);
            case "topK" -> b -> b.topK((int) value);
            case "topP" -> b -> b.topP(value);
            case "minP" -> b -> b.minP(value);
            case "typicalP" -> b -> b.typicalP(value);
            case "repetitionPenalty" -> b -> b.repetitionPenalty(value);
            case "presencePenalty" -> b -> b.presencePenalty(value);
            case "frequencyPenalty" -> b -> b.frequencyPenalty(value);
            case "penaltyLastN" -> b -> b.penaltyLastN((int) value);
            default -> throw new AssertionError(name);
        };
    }

    @Test
    void rejectsBiasesThatAreNoNumbers() {
        assertThatThrownBy(() -> SamplingParams.builder()
                        .logitBias(Map.of(7, Double.NaN))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("logitBias of token 7 must be a number or -Infinity, got NaN");
        assertThatThrownBy(() -> SamplingParams.builder()
                        .logitBias(Map.of(7, Double.POSITIVE_INFINITY))
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("logitBias of token 7 must be a number or -Infinity, got Infinity");
        assertThatThrownBy(() ->
                        SamplingParams.builder().logitBias(Map.of(-3, 1.0)).build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("logitBias needs token ids >= 0, got -3");
    }

    @Test
    void rulesRunInTheOrderOfLlamaCpp() {
        assertThat(everyRule().build().processors())
                .extracting(p -> p.getClass().getSimpleName())
                .containsExactly(
                        "LogitBias",
                        "RepetitionPenalty",
                        "PresencePenalty",
                        "FrequencyPenalty",
                        "TopK",
                        "Typical",
                        "TopP",
                        "MinP",
                        "Temperature");
    }

    @Test
    void temperatureZeroReplacesTruncationByTheBestToken() {
        assertThat(everyRule().temperature(0).build().processors())
                .extracting(p -> p.getClass().getSimpleName())
                .containsExactly("LogitBias", "RepetitionPenalty", "PresencePenalty", "FrequencyPenalty", "Greedy");
    }

    @Test
    void neutralValuesNeedNoRule() {
        assertThat(SamplingParams.builder().temperature(1).build().processors()).isEmpty();
        assertThat(everyRule()
                        .logitBias(Map.of())
                        .penaltyLastN(0)
                        .topK(0)
                        .typicalP(1)
                        .topP(1)
                        .minP(0)
                        .temperature(1)
                        .build()
                        .processors())
                .isEmpty();
    }

    @Test
    void builderKeepsWhatItStartsFrom() {
        SamplingParams params = everyRule().build();
        assertThat(params.toBuilder().build()).isEqualTo(params);
        assertThat(params.toBuilder().topK(3).build().topK()).isEqualTo(3);
    }

    private static SamplingParams.Builder everyRule() {
        return SamplingParams.builder()
                .temperature(0.5)
                .topK(40)
                .topP(0.9)
                .minP(0.05)
                .typicalP(0.95)
                .repetitionPenalty(1.1)
                .presencePenalty(0.2)
                .frequencyPenalty(0.3)
                .penaltyLastN(32)
                .logitBias(Map.of(5, -1.0))
                .seed(42);
    }
}
