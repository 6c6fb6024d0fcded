package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.TestVocabulary.BOS;
import static io.github.mixtral4j.generate.TestVocabulary.EOS;
import static io.github.mixtral4j.generate.TestVocabulary.TOKENIZER;
import static io.github.mixtral4j.generate.TestVocabulary.id;
import static io.github.mixtral4j.generate.TestVocabulary.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.generate.GenerationEvent.Finished;
import io.github.mixtral4j.generate.GenerationEvent.Text;
import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.sampling.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The loop over a model whose every token depends on all tokens before it.
@Timeout(20)
class LocalGeneratorTest {
    private static final int CONTEXT = 64;
    private static final GenerationRequest GREEDY =
            GenerationRequest.of(BOS).withSampling(SamplingParams.greedy()).withMaxTokens(10);

    private final FakeModel model = new FakeModel(4 * CONTEXT);
    private final LocalGenerator generator = start(
            model,
            GeneratorOptions.of(CONTEXT)
                    .withCacheTokens(4 * CONTEXT)
                    .withMaxBatchRows(16)
                    .withMaxRunning(4)
                    .withMaxWaiting(20));

    @AfterEach
    void close() {
        model.steps.drainPermits();
        model.steps.release(1_000_000);
        generator.close();
        assertThat(model.closes()).isEqualTo(1);
    }

    private static LocalGenerator start(FakeModel model, GeneratorOptions options) {
        return LocalGenerator.start(model, TOKENIZER::streamDecoder, Set.of(EOS), options);
    }

    @Test
    void greedyTextFollowsTheModel() throws InterruptedException {
        int[] prompt = {BOS, id("▁the")};
        Completion completion = generator.generate(prompt(prompt));
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
        List<Collected> together = requests.stream().map(this::submit).toList();
        for (int i = 0; i < requests.size(); i++) {
            try (var alone = start(new FakeModel(CONTEXT), GeneratorOptions.of(CONTEXT))) {
                Completion expected = alone.generate(requests.get(i));
                List<Text> texts = together.get(i).awaitEnd().texts();
                assertThat(texts).as("request %d", i).extracting(Text::token).isEqualTo(expected.tokens());
                assertThat(texts)
                        .extracting(t -> t.logprobs().orElseThrow())
                        .as("request %d", i)
                        .isEqualTo(expected.logprobs());
            }
        }
        assertThat(model.batches).as("steps that serve several").anyMatch(b -> b.logitRows().length > 1);
    }

    @Test
    void promptsAreComputedInPieces() throws InterruptedException {
        generator.generate(prompt(new int[50]).withMaxTokens(3));
        assertThat(model.batches).extracting(Batch::size).containsExactly(16, 16, 16, 2, 1, 1);
        assertThat(model.batches).extracting(b -> b.logitRows().length).containsExactly(0, 0, 0, 1, 1, 1);
    }

    @Test
    void newRequestsJoinARunningOne() {
        model.steps.drainPermits();
        Collected first = submit(prompt(BOS, 70));
        model.steps.release(3);
        first.awaitTokens(3);
        Collected second = submit(prompt(BOS, 71, 72, 73));
        model.steps.release(100);
        second.awaitEnd();
        first.awaitEnd();
        assertThat(model.batches).as("prompt and decode rows in one step").anyMatch(b -> b.size() == 5);
        assertThat(model.batches).as("decode rows of both").anyMatch(b -> b.size() == 2 && b.logitRows().length == 2);
    }

    @Test
    void endsAtEndOfText() throws InterruptedException {
        model.next = FakeModel.script(1, id("th"), id("e"), EOS);
        Completion completion = generator.generate(GREEDY);
        assertThat(completion.text()).isEqualTo("the");
        assertThat(completion.tokens()).containsExactly(id("th"), id("e"), EOS);
        assertThat(completion.reason()).isEqualTo(FinishReason.STOP);
        assertThat(completion.stopString()).isEmpty();
    }

    @Test
    void ignoringEndOfTextNeverSamplesIt() throws InterruptedException {
        model.next = tokens -> EOS;
        Completion completion = generator.generate(GREEDY.withIgnoreEos(true));
        assertThat(completion.tokens()).hasSize(10).doesNotContain(EOS);
        assertThat(completion.reason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void endsAtAStopToken() throws InterruptedException {
        model.next = FakeModel.script(1, id("th"), id(":"), id("e"));
        Completion completion = generator.generate(GREEDY.withStopTokens(Set.of(id(":"))));
        assertThat(completion.text()).isEqualTo("th");
        assertThat(completion.tokens()).containsExactly(id("th"), id(":"));
        assertThat(completion.reason()).isEqualTo(FinishReason.STOP);
    }

    @Test
    void endsAtAStopStringAcrossTokensWithoutShowingIt() throws InterruptedException {
        model.next = FakeModel.script(1, ids("▁the", "\n", "\n", "a", "\n\n", "User", ":", "x"));
        List<String> deltas = new ArrayList<>();
        Completion completion = generator.generate(GREEDY.withStopStrings(List.of("\n\nUser:", "zzz")), event -> {
            if (event instanceof Text text) {
                deltas.add(text.delta());
            }
        });
        assertThat(deltas).containsExactly("the", "", "", "\n\na", "", "", "");
        assertThat(completion.text()).isEqualTo("the\n\na");
        assertThat(completion.reason()).isEqualTo(FinishReason.STOP);
        assertThat(completion.stopString()).contains("\n\nUser:");
    }

    @Test
    void theLastTokenBringsWhatWasHeldBack() throws InterruptedException {
        model.next = FakeModel.script(1, ids("a", "\n\n", "U"));
        GenerationRequest request = GREEDY.withStopStrings(List.of("\n\nUser:"));
        assertThat(generator.generate(request.withMaxTokens(3)).text()).isEqualTo("a\n\nU");
        model.next = FakeModel.script(1, id("a"), id("\n\n"), EOS);
        assertThat(generator.generate(request).text()).isEqualTo("a\n\n");
    }

    @Test
    void endsWhenTheContextIsFull() throws InterruptedException {
        Completion completion = generator.generate(prompt(new int[CONTEXT - 5]).withMaxTokens(Integer.MAX_VALUE));
        assertThat(completion.tokens()).hasSize(5);
        assertThat(completion.reason()).isEqualTo(FinishReason.MODEL_LENGTH);
    }

    @Test
    void refusesWhatCannotRun() {
        assertThatThrownBy(() -> submit(prompt(new int[CONTEXT])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the prompt has 64 tokens, but the context holds 64 for prompt and completion together;"
                        + " shorten the prompt or choose a longer context");
        int size = TestVocabulary.SIZE;
        String ids = ", but the vocabulary has ids 0 to " + (size - 1);
        assertThatThrownBy(() -> submit(prompt(1, size)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the prompt contains token " + size + ids);
        assertThatThrownBy(() -> submit(prompt(1, -1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the prompt contains token -1" + ids);
        assertThatThrownBy(() -> submit(GREEDY.withStopTokens(Set.of(size + 1))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("stopTokens contains token " + (size + 1) + ids);
        assertThatThrownBy(() -> submit(GREEDY.withSampling(SamplingParams.builder()
                        .logitBias(Map.of(size + 2, 1.0))
                        .build())))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("logitBias contains token " + (size + 2) + ids);
    }

    @Test
    void cancelEndsARunningRequestWithinOneStep() {
        model.steps.drainPermits();
        Collected request = submit(prompt(BOS, 70).withMaxTokens(50));
        model.steps.release(5);
        request.awaitTokens(5);
        request.cancel();
        model.steps.release(1);
        request.awaitEnd();
        assertThat(request.finished().reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(request.texts().size()).isBetween(5, 6);
        request.cancel();
    }

    @Test
    void cancelEndsAWaitingRequest() {
        model.steps.drainPermits();
        List<Collected> running =
                IntStream.range(0, 4).mapToObj(i -> submit(GREEDY)).toList();
        Collected waiting = submit(GREEDY);
        waiting.cancel();
        model.steps.release(2);
        waiting.awaitEnd();
        assertThat(waiting.finished().reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(waiting.texts()).isEmpty();
        assertThat(waiting.finished().usage().promptTokens()).isEqualTo(1);
        assertThat(waiting.finished().usage().prefillSeconds()).isZero();
        model.steps.release(100);
        running.forEach(Collected::awaitEnd);
    }

    @Test
    void aSinkThatThrowsEndsItsOwnRequestOnly() {
        model.steps.drainPermits();
        var calls = new ArrayList<GenerationEvent>();
        generator.submit(prompt(BOS, 80), event -> {
            calls.add(event);
            throw new IllegalStateException("a sink of this test that throws");
        });
        Collected other = submit(prompt(BOS, 81));
        model.steps.release(100);
        other.awaitEnd();
        assertThat(other.finished().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(calls).hasSize(1);
    }

    @Test
    void aFailureOfTheModelFailsWhatRunsAndNotTheLoop() throws InterruptedException {
        model.steps.drainPermits();
        Collected first = submit(prompt(BOS, 70));
        Collected second = submit(prompt(BOS, 71));
        model.steps.release(4);
        first.awaitTokens(2);
        second.awaitTokens(2);
        model.failure = new IllegalStateException("disk on fire");
        model.steps.release(100);
        first.awaitEnd();
        second.awaitEnd();
        assertThat(first.failed().message()).isEqualTo("java.lang.IllegalStateException: disk on fire");
        assertThat(second.failed().cause()).hasMessage("disk on fire");
        assertThat(generator.generate(GREEDY).tokens()).hasSize(10);
        assertThat(generator.generate(prompt(BOS, 70, 71)).usage().cachedTokens())
                .as("nothing is reused from a failed step")
                .isLessThan(2);
    }

    @Test
    void logitsThatAreNotNumbersFailTheirRequestOnly() {
        int poison = id("é");
        model.next = tokens -> tokens[0] == poison && tokens.length == 5 ? -1 : FakeModel.hashed(tokens);
        Collected bad = submit(prompt(poison, 70));
        Collected good = submit(prompt(BOS, 70));
        bad.awaitEnd();
        good.awaitEnd();
        assertThat(bad.texts()).hasSize(3);
        assertThat(bad.failed().message())
                .isEqualTo("the logit of token 7 is NaN; the weights are damaged or the computation overflowed");
        assertThat(good.texts()).hasSize(10);
    }

    @Test
    void aConversationIsContinuedFromTheCache() throws InterruptedException {
        Completion first = generator.generate(prompt(BOS, 70, 71, 72));
        int[] next = IntStream.concat(
                        IntStream.of(BOS, 70, 71, 72),
                        IntStream.concat(
                                first.tokens().stream().mapToInt(t -> t), IntStream.of(EOS, id("▁a"), id("th"))))
                .toArray();
        Completion second = generator.generate(prompt(next));
        // All but the last token of the first completion were fed to the model.
        assertThat(second.usage().cachedTokens()).isEqualTo(4 + 9);
        assertThat(second.usage().promptTokens()).isEqualTo(17);
        try (var fresh = start(new FakeModel(CONTEXT), GeneratorOptions.of(CONTEXT))) {
            assertThat(second.tokens()).isEqualTo(fresh.generate(prompt(next)).tokens());
        }
    }

    @Test
    void reuseEqualsRecomputation() throws InterruptedException {
        var random = new Random(17);
        List<int[]> earlier = new ArrayList<>(List.of(new int[] {BOS}));
        int reused = 0;
        for (int i = 0; i < 40; i++) {
            int[] base = earlier.get(random.nextInt(earlier.size()));
            int[] prompt = IntStream.concat(
                            IntStream.of(base).limit(1 + random.nextInt(base.length)),
                            random.ints(random.nextInt(8), 3, TestVocabulary.SIZE))
                    .limit(CONTEXT - 12)
                    .toArray();
            Completion completion = generator.generate(prompt(prompt));
            reused += completion.usage().cachedTokens();
            try (var fresh = start(new FakeModel(CONTEXT), GeneratorOptions.of(CONTEXT))) {
                assertThat(completion.tokens())
                        .as("request %d", i)
                        .isEqualTo(fresh.generate(prompt(prompt)).tokens());
            }
            earlier.add(IntStream.concat(
                            IntStream.of(prompt), completion.tokens().stream().mapToInt(t -> t))
                    .toArray());
        }
        assertThat(reused).isGreaterThan(100);
    }

    @Test
    void anyMixOfRequestsCancellationsAndFailuresEndsWell() {
        var random = new Random(31);
        List<int[]> prompts = new ArrayList<>(List.of(new int[] {BOS}));
        List<GenerationRequest> requests = new ArrayList<>();
        List<Collected> results = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            int[] base = prompts.get(random.nextInt(prompts.size()));
            int[] prompt = IntStream.concat(IntStream.of(base), random.ints(random.nextInt(6), 3, TestVocabulary.SIZE))
                    .limit(CONTEXT - 20)
                    .toArray();
            prompts.add(prompt);
            GenerationRequest request = prompt(prompt).withMaxTokens(1 + random.nextInt(20));
            Collected result = Collected.submit(generator, request);
            requests.add(request);
            results.add(result);
            switch (random.nextInt(12)) {
                case 0 -> result.cancel();
                case 1 -> results.get(random.nextInt(results.size())).cancel();
                case 2 -> model.failure = new IllegalStateException("now and then");
                case 3, 4 -> result.awaitEnd();
                default -> {
                    // Submit the next one at once, but not more than may wait.
                    results.get(Math.max(0, i - 15)).awaitEnd();
                }
            }
        }
        int complete = 0;
        for (int i = 0; i < requests.size(); i++) {
            List<Integer> tokens = results.get(i).awaitEnd().tokens();
            List<Integer> expected = continuation(requests.get(i).prompt(), tokens.size());
            assertThat(tokens).as("request %d", i).isEqualTo(expected);
            complete += tokens.size() == requests.get(i).maxTokens() ? 1 : 0;
        }
        assertThat(complete).isGreaterThan(100);
    }

    @Test
    void requestsThatDoNotFitWaitInOrder() {
        var small = new FakeModel(2 * CONTEXT);
        try (var two = start(small, GeneratorOptions.of(CONTEXT).withCacheTokens(2 * CONTEXT))) {
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
        model.steps.drainPermits();
        // Four start as soon as the loop is between steps; until then they wait too.
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 25; i++) {
                        submit(GREEDY);
                    }
                })
                .isInstanceOf(RejectedExecutionException.class)
                .hasMessage("20 requests are waiting already, as many as may; try again later or raise maxWaiting");
        model.steps.release(10_000);
    }

    @Test
    void closingCancelsWhatRunsAndWaits() throws InterruptedException {
        var other = new FakeModel(CONTEXT);
        other.steps.drainPermits();
        LocalGenerator closing = start(other, GeneratorOptions.of(CONTEXT));
        List<Collected> requests = IntStream.range(0, 5)
                .mapToObj(i -> Collected.submit(closing, GREEDY.withMaxTokens(40)))
                .toList();
        var closer = Thread.ofPlatform().start(closing::close);
        Collected.await(() -> closer.getState() == Thread.State.WAITING);
        other.steps.release(1000);
        closer.join();
        assertThat(requests).extracting(r -> r.finished().reason()).containsOnly(FinishReason.CANCELLED);
        closing.close();
        assertThat(other.closes()).isEqualTo(1);
        assertThatThrownBy(() -> closing.submit(GREEDY, event -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the generator is closed");
    }

    @Test
    void aSinkMayCloseTheGenerator() {
        var other = new FakeModel(CONTEXT);
        LocalGenerator closing = start(other, GeneratorOptions.of(CONTEXT));
        List<GenerationEvent> events = new ArrayList<>();
        closing.submit(GREEDY.withMaxTokens(40), event -> {
            events.add(event);
            closing.close();
        });
        Collected.await(() -> other.closes() == 1);
        closing.close();
        assertThat(events).hasSize(2);
        assertThat(((Finished) events.getLast()).reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(other.closes()).isEqualTo(1);
    }

    /// Whoever waits learns of it by another thread, which may be late: nothing must depend on that.
    @Test
    void aRequestWhoseConsumerThrowsTakesNoFurtherStep() throws InterruptedException {
        generator.submit(GREEDY, new CompletionCollector(event -> {
            throw new UnsupportedOperationException("no");
        }));
        Collected.await(() -> !model.batches.isEmpty());
        assertThat(generator.generate(prompt(BOS, 70)).tokens()).hasSize(10);
        assertThat(model.batches)
                .as("one row of the first, ten of the second")
                .extracting(Batch::size)
                .containsOnly(1)
                .hasSize(11);
    }

    @Test
    void generateThrowsWhatWentWrong() {
        assertThatThrownBy(() -> generator.generate(GREEDY, event -> {
                    throw new UnsupportedOperationException("no");
                }))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessage("no");
        model.failure = new IllegalStateException("disk on fire");
        assertThatThrownBy(() -> generator.generate(GREEDY))
                .isInstanceOf(GenerationException.class)
                .hasMessage("java.lang.IllegalStateException: disk on fire");
    }

    @Test
    void interruptingGenerateCancelsTheRequest() {
        List<GenerationEvent> events = new ArrayList<>();
        Thread caller = Thread.currentThread();
        model.steps.drainPermits();
        model.steps.release(1);
        assertThatThrownBy(() -> generator.generate(GREEDY, event -> {
                    events.add(event);
                    caller.interrupt();
                }))
                .isInstanceOf(InterruptedException.class);
        model.steps.release(1000);
        submit(GREEDY).awaitEnd();
        assertThat(events).as("no events after the return").hasSize(1);
        assertThat(model.batches).as("no further steps for it").hasSizeBetween(11, 12);
    }

    @Test
    void logprobsComeWithEveryTokenWhenAsked() throws InterruptedException {
        Completion with = generator.generate(GREEDY.withLogprobs(3));
        assertThat(with.logprobs())
                .hasSize(10)
                .allSatisfy(l -> assertThat(l.top()).hasSize(3));
        assertThat(with.logprobs()).extracting(l -> l.chosen().token()).isEqualTo(with.tokens());
        assertThat(generator.generate(GREEDY).logprobs()).isEmpty();
    }

    @Test
    void seedsDecideTheText() throws InterruptedException {
        GenerationRequest request = GREEDY.withMaxTokens(30)
                .withSampling(SamplingParams.builder().temperature(3).seed(1).build());
        List<Integer> tokens = generator.generate(request).tokens();
        assertThat(generator.generate(request).tokens()).isEqualTo(tokens);
        SamplingParams other = request.sampling().toBuilder().seed(2).build();
        assertThat(generator.generate(request.withSampling(other)).tokens()).isNotEqualTo(tokens);
    }

    @Test
    void timesAddUp() throws InterruptedException {
        long begin = System.nanoTime();
        Usage usage = generator.generate(GREEDY).usage();
        double total = (System.nanoTime() - begin) / 1e9;
        assertThat(usage.timeToFirstTokenSeconds()).isPositive().isGreaterThanOrEqualTo(usage.prefillSeconds());
        assertThat(usage.timeToFirstTokenSeconds() + usage.decodeSeconds()).isLessThanOrEqualTo(total);
        assertThat(usage.prefillTokensPerSecond()).isPositive();
        assertThat(usage.decodeTokensPerSecond()).isEqualTo(9 / usage.decodeSeconds());
    }

    /// What [FakeModel] says after a prompt.
    private static List<Integer> continuation(int[] prompt, int length) {
        List<Integer> continuation = new ArrayList<>();
        int[] tokens = prompt;
        for (int i = 0; i < length; i++) {
            int next = FakeModel.hashed(tokens);
            continuation.add(next);
            tokens = IntStream.concat(IntStream.of(tokens), IntStream.of(next)).toArray();
        }
        return continuation;
    }

    private static GenerationRequest prompt(int... ids) {
        return GenerationRequest.of(ids).withSampling(GREEDY.sampling()).withMaxTokens(GREEDY.maxTokens());
    }

    private Collected submit(GenerationRequest request) {
        return Collected.submit(generator, request);
    }
}
