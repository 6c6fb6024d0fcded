package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.FakeLoop.CONTEXT;
import static io.github.mixtral4j.generate.FakeLoop.GREEDY;
import static io.github.mixtral4j.generate.FakeLoop.continuation;
import static io.github.mixtral4j.generate.FakeLoop.prompt;
import static io.github.mixtral4j.generate.TestVocabulary.BOS;
import static io.github.mixtral4j.generate.TestVocabulary.TOKENIZER;
import static io.github.mixtral4j.generate.TestVocabulary.id;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.generate.GenerationEvent.Text;
import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.sampling.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The loop over a model whose every token depends on all tokens before it.
@Timeout(20)
class LocalGeneratorTest {
    private final FakeLoop loop = new FakeLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void greedyTextFollowsTheModel() throws InterruptedException {
        int[] prompt = {BOS, id("▁the")};
        Completion completion = loop.generator.generate(prompt(prompt));
        assertThat(completion.tokens()).isEqualTo(continuation(prompt, 10));
        assertThat(completion.text())
                .isEqualTo(TOKENIZER.decode(
                        completion.tokens().stream().mapToInt(t -> t).toArray()))
                .hasSize(10);
        assertThat(completion.reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(completion.usage().promptTokens()).isEqualTo(2);
        assertThat(completion.usage().completionTokens()).isEqualTo(10);
    }

    @Test
    void requestsTogetherGiveWhatTheyGiveAlone() throws InterruptedException {
        var random = new Random(8);
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            int[] prompt =
                    random.ints(1 + random.nextInt(40), 3, TestVocabulary.SIZE).toArray();
            SamplingParams sampling = SamplingParams.builder()
                    .temperature(i % 3 * 0.7)
                    .topP(0.95)
                    .frequencyPenalty(0.2)
                    .seed(i)
                    .build();
            requests.add(GenerationRequest.of(prompt)
                    .withSampling(sampling)
                    .withMaxTokens(1 + random.nextInt(20))
                    .withLogprobs(2));
        }
        List<Collected> together = requests.stream().map(loop::submit).toList();
        for (int i = 0; i < requests.size(); i++) {
            try (var alone = FakeLoop.start(new FakeModel(CONTEXT), GeneratorOptions.of(CONTEXT))) {
                Completion expected = alone.generate(requests.get(i));
                List<Text> texts = together.get(i).awaitEnd().texts();
                assertThat(texts).as("request %d", i).extracting(Text::token).isEqualTo(expected.tokens());
                assertThat(texts)
                        .extracting(t -> t.logprobs().orElseThrow())
                        .as("request %d", i)
                        .isEqualTo(expected.logprobs());
            }
        }
        assertThat(loop.model.batches).as("steps that serve several").anyMatch(b -> b.logitRows().length > 1);
    }

    @Test
    void promptsAreComputedInPieces() throws InterruptedException {
        loop.generator.generate(prompt(new int[50]).withMaxTokens(3));
        assertThat(loop.model.batches).extracting(Batch::size).containsExactly(16, 16, 16, 2, 1, 1);
        assertThat(loop.model.batches).extracting(b -> b.logitRows().length).containsExactly(0, 0, 0, 1, 1, 1);
    }

    @Test
    void newRequestsJoinARunningOne() {
        loop.model.steps.drainPermits();
        Collected first = loop.submit(prompt(BOS, 70));
        loop.model.steps.release(3);
        first.awaitTokens(3);
        Collected second = loop.submit(prompt(BOS, 71, 72, 73));
        loop.model.steps.release(100);
        second.awaitEnd();
        first.awaitEnd();
        assertThat(loop.model.batches).as("prompt and decode rows in one step").anyMatch(b -> b.size() == 5);
        assertThat(loop.model.batches)
                .as("decode rows of both")
                .anyMatch(b -> b.size() == 2 && b.logitRows().length == 2);
    }

    @Test
    void requestsThatDoNotFitWaitInOrder() {
        var small = new FakeModel(2 * CONTEXT);
        try (var two = FakeLoop.start(small, GeneratorOptions.of(CONTEXT).withCacheTokens(2 * CONTEXT))) {
            small.steps.drainPermits();
            // Each of the first three may grow to a whole context, of which the cache holds two.
            Collected first = Collected.submit(two, prompt(BOS, 70).withMaxTokens(CONTEXT));
            Collected second = Collected.submit(two, prompt(BOS, 71).withMaxTokens(CONTEXT));
            Collected third = Collected.submit(two, prompt(BOS, 72).withMaxTokens(CONTEXT));
            Collected tiny = Collected.submit(two, prompt(BOS).withMaxTokens(1));
            small.steps.release(CONTEXT - 2);
            first.awaitEnd();
            assertThat(second.texts()).isNotEmpty();
            assertThat(third.texts()).isEmpty();
            assertThat(tiny.texts()).as("no overtaking").isEmpty();
            small.steps.release(1000);
            assertThat(third.awaitEnd().texts()).hasSize(CONTEXT - 2);
            assertThat(tiny.awaitEnd().texts()).hasSize(1);
        }
    }

    @Test
    void refusesMoreThanMayWait() {
        loop.model.steps.drainPermits();
        // Four start as soon as the loop is between steps; until then they wait too.
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 25; i++) {
                        loop.submit(GREEDY);
                    }
                })
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage("20 requests are waiting already, as many as may; try again later or raise maxWaiting");
        loop.model.steps.release(10_000);
    }

    @Test
    void refusesWhatCannotRun() {
        assertThatThrownBy(() -> loop.submit(prompt(new int[CONTEXT])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the prompt has 64 tokens, but the context holds 64 for prompt and completion together;"
                        + " shorten the prompt or choose a longer context");
        int size = TestVocabulary.SIZE;
        String ids = ", but the vocabulary has ids 0 to " + (size - 1);
        assertThatThrownBy(() -> loop.submit(prompt(1, size)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the prompt contains token " + size + ids);
        assertThatThrownBy(() -> loop.submit(prompt(1, -1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the prompt contains token -1" + ids);
        assertThatThrownBy(() -> loop.submit(GREEDY.withStopTokens(Set.of(size + 1))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("stopTokens contains token " + (size + 1) + ids);
        assertThatThrownBy(() -> loop.submit(GREEDY.withSampling(SamplingParams.builder()
                        .logitBias(Map.of(size + 2, 1.0))
                        .build())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("logitBias contains token " + (size + 2) + ids);
    }

    @Test
    void logprobsComeWithEveryTokenWhenAsked() throws InterruptedException {
        Completion with = loop.generator.generate(GREEDY.withLogprobs(3));
        assertThat(with.logprobs())
                .hasSize(10)
                .allSatisfy(l -> assertThat(l.top()).hasSize(3));
        assertThat(with.logprobs()).extracting(l -> l.chosen().token()).isEqualTo(with.tokens());
        assertThat(loop.generator.generate(GREEDY).logprobs()).isEmpty();
    }

    @Test
    void seedsDecideTheText() throws InterruptedException {
        GenerationRequest request = GREEDY.withMaxTokens(30)
                .withSampling(SamplingParams.builder().temperature(3).seed(1).build());
        List<Integer> tokens = loop.generator.generate(request).tokens();
        assertThat(loop.generator.generate(request).tokens()).isEqualTo(tokens);
        SamplingParams other = request.sampling().toBuilder().seed(2).build();
        assertThat(loop.generator.generate(request.withSampling(other)).tokens())
                .isNotEqualTo(tokens);
    }

    @Test
    void timesAddUp() throws InterruptedException {
        long begin = System.nanoTime();
        Usage usage = loop.generator.generate(GREEDY).usage();
        double total = (System.nanoTime() - begin) / 1e9;
        assertThat(usage.timeToFirstTokenSeconds()).isPositive().isGreaterThanOrEqualTo(usage.prefillSeconds());
        assertThat(usage.timeToFirstTokenSeconds() + usage.decodeSeconds()).isLessThanOrEqualTo(total);
        assertThat(usage.prefillTokensPerSecond()).isPositive();
        assertThat(usage.decodeTokensPerSecond()).isEqualTo(9 / usage.decodeSeconds());
    }
}
