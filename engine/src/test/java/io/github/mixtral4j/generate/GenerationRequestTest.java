package io.github.mixtral4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.sampling.SamplingParams;
import io.github.mixtral4j.tensor.DType;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class GenerationRequestTest {
    @Test
    void changesKeepTheRest() {
        GenerationRequest request = GenerationRequest.of(1, 2, 3)
                .withSampling(SamplingParams.greedy())
                .withMaxTokens(5)
                .withStopStrings(List.of("x"))
                .withStopTokens(Set.of(9))
                .withIgnoreEos(true)
                .withLogprobs(4);
        assertThat(request.prompt()).containsExactly(1, 2, 3);
        assertThat(request.sampling()).isEqualTo(SamplingParams.greedy());
        assertThat(request.maxTokens()).isEqualTo(5);
        assertThat(request.stopStrings()).containsExactly("x");
        assertThat(request.stopTokens()).containsExactly(9);
        assertThat(request.ignoreEos()).isTrue();
        assertThat(request.logprobs()).hasValue(4);
    }

    @Test
    void rejectsWhatIsOutOfRange() {
        GenerationRequest request = GenerationRequest.of(1);
        rejects(
                () -> GenerationRequest.of(),
                "the prompt is empty; it needs at least one token, usually begin-of-text");
        rejects(() -> request.withMaxTokens(0), "maxTokens must be >= 1, got 0");
        rejects(
                () -> request.withStopStrings(List.of("a", "")),
                "a stop string is empty; it would end every completion at once");
        rejects(() -> request.withLogprobs(-1), "logprobs must be >= 0, got -1");
    }

    @Test
    void optionsRejectWhatIsOutOfRange() {
        GeneratorOptions options = GeneratorOptions.of(100);
        assertThat(options.withCacheTokens(300).cacheTokens()).isEqualTo(300);
        assertThat(options.withCacheType(DType.F32).cacheType()).isEqualTo(DType.F32);
        rejects(() -> GeneratorOptions.of(1), "contextLength must be >= 2, got 1");
        rejects(() -> options.withCacheTokens(99), "cacheTokens must be >= contextLength (100), got 99");
        rejects(() -> options.withMaxRunning(0), "maxRunning must be >= 1, got 0");
        rejects(() -> options.withMaxBatchRows(7), "maxBatchRows must be >= maxRunning (8), got 7");
        rejects(() -> options.withMaxWaiting(0), "maxWaiting must be >= 1, got 0");
    }

    private static void rejects(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }
}
