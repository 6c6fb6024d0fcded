package io.github.mixtral4j.generate;

import io.github.mixtral4j.sampling.Logprobs;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/// Gathers the events of a request into a [Completion] for the thread that waits for it.
final class CompletionCollector implements Consumer<GenerationEvent> {
    private final Consumer<GenerationEvent> sink;
    private final CompletableFuture<Completion> result = new CompletableFuture<>();
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<Logprobs> logprobs = new ArrayList<>();

    CompletionCollector(Consumer<GenerationEvent> sink) {
        this.sink = sink;
    }

    @Override
    public synchronized void accept(GenerationEvent event) {
        if (result.isDone()) {
            throw new CancellationException();
        }
        try {
            sink.accept(event);
        } catch (RuntimeException | Error e) {
            result.completeExceptionally(e);
            // Ends the request here and now: until the waiting thread cancels it, the loop could run more steps for it.
            throw new CancellationException();
        }
        switch (event) {
            case GenerationEvent.Text t -> {
                text.append(t.delta());
                tokens.add(t.token());
                t.logprobs().ifPresent(logprobs::add);
            }
            case GenerationEvent.Finished f ->
                result.complete(
                        new Completion(text.toString(), tokens, logprobs, f.reason(), f.stopString(), f.usage()));
            case GenerationEvent.Failed f ->
                result.completeExceptionally(new GenerationException(f.message(), f.cause()));
        }
    }

    /// Waits for the end. However it returns, the sink is not called afterwards.
    Completion await(Cancellation cancellation) throws InterruptedException {
        try {
            return result.get();
        } catch (InterruptedException e) {
            stopListening();
            throw e;
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw new AssertionError(e);
            }
        } finally {
            cancellation.cancel();
        }
    }

    private synchronized void stopListening() {
        result.cancel(false);
    }
}
