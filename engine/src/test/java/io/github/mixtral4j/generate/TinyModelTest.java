package io.github.mixtral4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.generate.Scoring.Perplexity;
import io.github.mixtral4j.sampling.SamplingParams;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.ReferenceMixtral;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/// Generation and scoring with a real forward pass.
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TinyModelTest {
    private static final int CONTEXT = 200;
    private static final int BOS = 1;

    private final TinyModel tiny = TinyModel.create();
    private final Tokenizer tokenizer = TinyModel.tokenizer();
    private final LocalGenerator generator =
            start(GeneratorOptions.of(CONTEXT).withCacheTokens(5 * CONTEXT).withMaxBatchRows(24));

    private LocalGenerator start(GeneratorOptions options) {
        return LocalGenerator.start(tiny.model, tokenizer, Set.of(tokenizer.eosId()), options);
    }

    @AfterAll
    void close() {
        generator.close();
        tiny.close();
    }

    @Test
    void greedyTokensAreThoseOfTheReference() throws InterruptedException {
        int[] ids = ids(5, 1);
        Completion completion = generator.generate(greedy(ids).withMaxTokens(8));
        var reference = new ReferenceMixtral(tiny.tiny.weights());
        for (int token : completion.tokens()) {
            double[] logits = reference.forward(ids).lastLogits();
            assertThat(token).isEqualTo(argmax(logits));
            ids = append(ids, token);
        }
        assertThat(completion.text()).isEqualTo(suffix(ids, 5));
    }

    @Test
    void requestsTogetherGiveWhatTheyGiveAlone() throws InterruptedException {
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            SamplingParams sampling = i % 2 == 0
                    ? SamplingParams.greedy()
                    : SamplingParams.builder().topP(0.9).seed(i).build();
            requests.add(GenerationRequest.of(ids(1 + 17 * i, 100 + i))
                    .withSampling(sampling)
                    .withMaxTokens(20));
        }
        List<Collected> together =
                requests.stream().map(r -> Collected.submit(generator, r)).toList();
        for (int i = 0; i < requests.size(); i++) {
            List<Integer> tokens = together.get(i).awaitEnd().tokens();
            try (var alone = start(GeneratorOptions.of(CONTEXT))) {
                assertThat(tokens)
                        .as("request %d", i)
                        .isEqualTo(alone.generate(requests.get(i)).tokens());
            }
        }
    }

    @Test
    void aConversationFromTheCacheEqualsOneComputedAnew() throws InterruptedException {
        int[] conversation = ids(12, 7);
        for (int turn = 0; turn < 4; turn++) {
            GenerationRequest request = greedy(conversation).withMaxTokens(10);
            Completion completion = generator.generate(request);
            if (turn > 0) {
                assertThat(completion.usage().cachedTokens()).isEqualTo(conversation.length - 6);
            }
            try (var fresh = start(GeneratorOptions.of(CONTEXT))) {
                assertThat(completion.tokens())
                        .as("turn %d", turn)
                        .isEqualTo(fresh.generate(request).tokens());
            }
            // The last token was sampled and not computed; 5 more are new.
            conversation = append(
                    conversation, completion.tokens().stream().mapToInt(t -> t).toArray());
            conversation = append(conversation, ids(5, 50 + turn));
        }
    }

    @Test
    void aStopStringEndsTheTextBeforeIt() throws InterruptedException {
        GenerationRequest request = greedy(ids(9, 4)).withMaxTokens(40);
        String whole = generator.generate(request).text();
        String stop = whole.substring(whole.length() / 2, whole.length() / 2 + 3);
        var shown = new StringBuilder();
        Completion completion = generator.generate(request.withStopStrings(List.of(stop)), event -> {
            if (event instanceof GenerationEvent.Text text) {
                shown.append(text.delta());
                assertThat(whole).startsWith(shown);
            }
        });
        assertThat(completion.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(shown.toString()).isEqualTo(completion.text());
        assertThat(completion.stopString()).contains(stop);
    }

    @Test
    void cancelEndsARequestAndKeepsItsWorkForTheNext() throws InterruptedException {
        GenerationRequest request = greedy(ids(30, 6)).withMaxTokens(150).withIgnoreEos(true);
        Collected cancelled = Collected.submitAndCancel(generator, request, 3).awaitEnd();
        assertThat(cancelled.finished().reason()).isEqualTo(FinishReason.CANCELLED);
        Completion again = generator.generate(request.withMaxTokens(3));
        assertThat(again.usage().cachedTokens()).isEqualTo(29);
        assertThat(again.tokens()).isEqualTo(cancelled.tokens());
    }

    @Test
    void meanNllIsThatOfTheReference() throws InterruptedException {
        int[] ids = ids(40, 9);
        double expected = new ReferenceMixtral(tiny.tiny.weights()).forward(ids).nllMean();
        try (var scoring = Scoring.allocate(tiny.model, 64, DType.F32, 16)) {
            assertThat(scoring.meanNll(ids)).isEqualTo(expected, within(1e-4));
        }
    }

    @Test
    void perplexityIsThatOfTheReference() throws InterruptedException {
        int[] ids = ids(70, 10);
        var reference = new ReferenceMixtral(tiny.tiny.weights());
        double sum = 0;
        for (int w = 0; w < 2; w++) {
            int[] window = Arrays.copyOfRange(ids, 32 * w, 32 * w + 32);
            window[0] = BOS;
            // The sum of nll over tokens 17 … 31 is that over 1 … 31 less that over 1 … 16.
            sum += 31 * reference.forward(window).nllMean()
                    - 16 * reference.forward(Arrays.copyOf(window, 17)).nllMean();
        }
        try (var scoring = Scoring.allocate(tiny.model, 32, DType.F32, 7)) {
            Perplexity perplexity = scoring.perplexity(ids, BOS, p -> {});
            assertThat(perplexity.scoredTokens()).isEqualTo(30);
            assertThat(perplexity.meanNll()).isEqualTo(sum / 30, within(1e-4));
        }
    }

    @Test
    void contextsBeyondTheModelAreRefused() {
        assertThatThrownBy(() -> start(GeneratorOptions.of(2000)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("contextLength 2000 is longer than the 1024 positions of the model; choose at most that");
        for (int context : new int[] {2, 1025}) {
            assertThatThrownBy(() -> Scoring.allocate(tiny.model, context, DType.F16, 512))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the context to score in must have 3 to 1024 tokens (the model's context length), got "
                            + context);
        }
    }

    private static GenerationRequest greedy(int... ids) {
        return GenerationRequest.of(ids).withSampling(SamplingParams.greedy());
    }

    private String suffix(int[] ids, int prompt) {
        String before = tokenizer.decode(Arrays.copyOf(ids, prompt));
        return tokenizer.decode(ids).substring(before.length());
    }

    /// Begin-of-text and random text ids.
    private static int[] ids(int count, long seed) {
        int[] ids = new Random(seed).ints(count, 259, TinyModel.VOCAB_SIZE).toArray();
        ids[0] = BOS;
        return ids;
    }

    private static int[] append(int[] ids, int... more) {
        return IntStream.concat(IntStream.of(ids), IntStream.of(more)).toArray();
    }

    private static int argmax(double[] values) {
        return IntStream.range(0, values.length)
                .reduce((a, b) -> values[b] > values[a] ? b : a)
                .orElseThrow();
    }
}
