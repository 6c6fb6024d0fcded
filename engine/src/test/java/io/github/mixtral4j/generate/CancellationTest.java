package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.FakeLoop.CONTEXT;
import static io.github.mixtral4j.generate.FakeLoop.GREEDY;
import static io.github.mixtral4j.generate.FakeLoop.prompt;
import static io.github.mixtral4j.generate.TestVocabulary.BOS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.generate.GenerationEvent.Finished;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Requests that are cancelled, by their caller or because the generator closes.
@Timeout(20)
class CancellationTest {
    private final FakeLoop loop = new FakeLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    void cancelEndsARunningRequestWithinOneStep() {
        loop.model.steps.drainPermits();
        Collected request = loop.submit(prompt(BOS, 70).withMaxTokens(50));
        loop.model.steps.release(5);
        request.awaitTokens(5);
        request.cancel();
        loop.model.steps.release(1);
        request.awaitEnd();
        assertThat(request.finished().reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(request.texts().size()).isBetween(5, 6);
        request.cancel();
    }

    @Test
    void cancelEndsAWaitingRequest() {
        loop.model.steps.drainPermits();
        List<Collected> running =
                IntStream.range(0, 4).mapToObj(i -> loop.submit(GREEDY)).toList();
        Collected waiting = loop.submit(GREEDY);
        waiting.cancel();
        loop.model.steps.release(2);
        waiting.awaitEnd();
        assertThat(waiting.finished().reason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(waiting.texts()).isEmpty();
        assertThat(waiting.finished().usage().promptTokens()).isEqualTo(1);
        assertThat(waiting.finished().usage().prefillSeconds()).isZero();
        loop.model.steps.release(100);
        running.forEach(Collected::awaitEnd);
    }

    @Test
    void interruptingGenerateCancelsTheRequest() {
        List<GenerationEvent> events = new ArrayList<>();
        Thread caller = Thread.currentThread();
        loop.model.steps.drainPermits();
        loop.model.steps.release(1);
        assertThatThrownBy(() -> loop.generator.generate(GREEDY, event -> {
                    events.add(event);
                    caller.interrupt();
                }))
                .isInstanceOf(InterruptedException.class);
        loop.model.steps.release(1000);
        loop.submit(GREEDY).awaitEnd();
        assertThat(events).as("no events after the return").hasSize(1);
        assertThat(loop.model.batches).as("no further steps for it").hasSizeBetween(11, 12);
    }

    @Test
    void closingCancelsWhatRunsAndWaits() throws InterruptedException {
        var other = new FakeModel(CONTEXT);
        other.steps.drainPermits();
        LocalGenerator closing = FakeLoop.start(other, GeneratorOptions.of(CONTEXT));
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
        LocalGenerator closing = FakeLoop.start(other, GeneratorOptions.of(CONTEXT));
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
}
