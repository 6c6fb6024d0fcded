package io.github.mixtral4j.generate;

import java.util.function.Consumer;

/// Runs requests: in this process ([LocalGenerator]) or elsewhere. Any number of threads may submit.
public interface Generator extends AutoCloseable {
    /// Starts a request and returns at once; its events go to `sink`, one at a time.
    ///
    /// The sink runs on the loop that serves all requests, so it must be quick and must not wait for another one.
    /// A sink that throws ends its own request before the model computes another token of it, and is not called
    /// again; what it throws is logged, unless it is a [java.util.concurrent.CancellationException].
    ///
    /// @throws IllegalArgumentException if the request cannot run on this model, such as too long a prompt
    /// @throws java.util.concurrent.RejectedExecutionException if too many requests wait already
    /// @throws IllegalStateException if the generator is closed
    Cancellation submit(GenerationRequest request, Consumer<GenerationEvent> sink);

    /// Runs a request and waits for its end.
    ///
    /// @throws GenerationException if it fails on the way
    /// @throws InterruptedException if the thread is interrupted; the request is then cancelled
    default Completion generate(GenerationRequest request) throws InterruptedException {
        return generate(request, event -> {});
    }

    /// Runs a request, shows its events to `sink` as they come, and waits for its end. An exception of the sink
    /// cancels the request and is thrown here.
    ///
    /// @throws GenerationException if it fails on the way
    /// @throws InterruptedException if the thread is interrupted; the request is then cancelled
    default Completion generate(GenerationRequest request, Consumer<GenerationEvent> sink) throws InterruptedException {
        var collector = new CompletionCollector(sink);
        return collector.await(submit(request, collector));
    }

    /// Cancels what runs or waits, and frees the memory.
    @Override
    void close();
}
