package io.github.mixtral4j.generate;

import io.github.mixtral4j.generate.GenerationEvent.Failed;
import io.github.mixtral4j.generate.GenerationEvent.Finished;
import io.github.mixtral4j.generate.GenerationEvent.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/// The events of a submitted request, for tests that watch it while it runs.
final class Collected implements Consumer<GenerationEvent> {
    private final List<GenerationEvent> events = new ArrayList<>();
    private final CompletableFuture<Cancellation> cancellation = new CompletableFuture<>();
    private final int tokensBeforeCancel;

    private Collected(int tokensBeforeCancel) {
        this.tokensBeforeCancel = tokensBeforeCancel;
    }

    static Collected submit(Generator generator, GenerationRequest request) {
        return submitAndCancel(generator, request, Integer.MAX_VALUE);
    }

    /// The same, cancelled by the loop's own thread after so many tokens: however fast the model is, it makes no more.
    static Collected submitAndCancel(Generator generator, GenerationRequest request, int tokens) {
        var collected = new Collected(tokens);
        collected.cancellation.complete(generator.submit(request, collected));
        return collected;
    }

    @Override
    public void accept(GenerationEvent event) {
        if (add(event) == tokensBeforeCancel) {
            cancel();
        }
    }

    private synchronized int add(GenerationEvent event) {
        events.add(event);
        return events.size();
    }

    void cancel() {
        cancellation.join().cancel();
    }

    synchronized List<Text> texts() {
        return events.stream()
                .filter(Text.class::isInstance)
                .map(Text.class::cast)
                .toList();
    }

    List<Integer> tokens() {
        return texts().stream().map(Text::token).toList();
    }

    synchronized boolean ended() {
        return !events.isEmpty() && !(events.getLast() instanceof Text);
    }

    synchronized Finished finished() {
        return (Finished) events.getLast();
    }

    synchronized Failed failed() {
        return (Failed) events.getLast();
    }

    Collected awaitTokens(int count) {
        await(() -> texts().size() >= count);
        return this;
    }

    Collected awaitEnd() {
        await(this::ended);
        return this;
    }

    /// Waits for a condition; the test's own timeout ends it otherwise.
    static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            LockSupport.parkNanos(100_000);
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("timed out");
            }
        }
    }
}
