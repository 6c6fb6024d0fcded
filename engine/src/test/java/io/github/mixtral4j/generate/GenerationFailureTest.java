package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.FakeLoop.CONTEXT;
import static io.github.mixtral4j.generate.FakeLoop.GREEDY;
import static io.github.mixtral4j.generate.FakeLoop.continuation;
import static io.github.mixtral4j.generate.FakeLoop.prompt;
import static io.github.mixtral4j.generate.TestVocabulary.BOS;
import static io.github.mixtral4j.generate.TestVocabulary.id;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.model.Batch;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What fails one request, and leaves the loop and other requests as they are.
@Timeout(20)
class GenerationFailureTest {
    private final FakeLoop loop = new FakeLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void aSinkThatThrowsEndsItsOwnRequestOnly() {
        loop.model.steps.drainPermits();
        var calls = new ArrayList<GenerationEvent>();
        loop.generator.submit(prompt(BOS, 80), event -> {
            calls.add(event);
            throw new IllegalStateException("a sink of this test that throws");
        });
        Collected other = loop.submit(prompt(BOS, 81));
        loop.model.steps.release(100);
        other.awaitEnd();
        assertThat(other.finished().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(calls).hasSize(1);
    }

    /// Whoever waits learns of it by another thread, which may be late: nothing must depend on that.
    @Test
    void aRequestWhoseConsumerThrowsTakesNoFurtherStep() throws InterruptedException {
        loop.generator.submit(GREEDY, new CompletionCollector(event -> {
            throw new UnsupportedOperationException("no");
        }));
        Collected.await(() -> !loop.model.batches.isEmpty());
        assertThat(loop.generator.generate(prompt(BOS, 70)).tokens()).hasSize(10);
        assertThat(loop.model.batches)
                .as("one row of the first, ten of the second")
                .extracting(Batch::size)
                .containsOnly(1)
                .hasSize(11);
    }

    @Test
    void generateThrowsWhatWentWrong() {
        assertThatThrownBy(() -> loop.generator.generate(GREEDY, event -> {
                    throw new UnsupportedOperationException("no");
                }))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessage("no");
        loop.model.failure = new IllegalStateException("disk on fire");
        assertThatThrownBy(() -> loop.generator.generate(GREEDY))
                .isInstanceOf(GenerationException.class)
                .hasMessage("java.lang.IllegalStateException: disk on fire");
    }

    @Test
    void aFailureOfTheModelFailsWhatRunsAndNotTheLoop() throws InterruptedException {
        loop.model.steps.drainPermits();
        Collected first = loop.submit(prompt(BOS, 70));
        Collected second = loop.submit(prompt(BOS, 71));
        loop.model.steps.release(4);
        first.awaitTokens(2);
        second.awaitTokens(2);
        loop.model.failure = new IllegalStateException("disk on fire");
        loop.model.steps.release(100);
        first.awaitEnd();
        second.awaitEnd();
        assertThat(first.failed().message()).isEqualTo("java.lang.IllegalStateException: disk on fire");
        assertThat(second.failed().cause()).hasMessage("disk on fire");
        assertThat(loop.generator.generate(GREEDY).tokens()).hasSize(10);
        assertThat(loop.generator.generate(prompt(BOS, 70, 71)).usage().cachedTokens())
                .as("nothing is reused from a failed step")
                .isLessThan(2);
    }

    @Test
    void logitsThatAreNotNumbersFailTheirRequestOnly() {
        int poison = id("é");
        loop.model.next = tokens -> tokens[0] == poison && tokens.length == 5 ? -1 : FakeModel.hashed(tokens);
        Collected bad = loop.submit(prompt(poison, 70));
        Collected good = loop.submit(prompt(BOS, 70));
        bad.awaitEnd();
        good.awaitEnd();
        assertThat(bad.texts()).hasSize(3);
        assertThat(bad.failed().message())
                .isEqualTo("the logit of token 7 is NaN; the weights are damaged or the computation overflowed");
        assertThat(good.texts()).hasSize(10);
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
            Collected result = Collected.submit(loop.generator, request);
            requests.add(request);
            results.add(result);
            switch (random.nextInt(12)) {
                case 0 -> result.cancel();
                case 1 -> results.get(random.nextInt(results.size())).cancel();
                case 2 -> loop.model.failure = new IllegalStateException("now and then");
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
}
