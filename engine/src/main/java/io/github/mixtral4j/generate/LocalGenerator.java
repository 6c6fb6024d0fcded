package io.github.mixtral4j.generate;

import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.sampling.Candidates;
import io.github.mixtral4j.tokenizer.StreamDecoder;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Runs requests on a model in this process: one thread, which alone touches cache and workspace, runs all requests
/// together in steps.
///
/// Each step is one ragged batch: the next token of every request that decodes and pieces of the prompts that are not
/// yet computed ([BatchPlan]). Requests start between steps, in the order of submission, as soon as the cache has room
/// for their longest possible length; a finished request's cache is kept for a request that begins alike
/// ([SequencePool]). Sampling and sinks run on the loop's thread.
/// ```java
/// try (var generator = LocalGenerator.start(model, tokenizer, loaded.eosIds(tokenizer), GeneratorOptions.of(4096))) {
///     System.out.println(generator.generate(GenerationRequest.of(ids).withMaxTokens(100)).text());
/// }
/// ```
public final class LocalGenerator implements Generator {
    private final ModelRunner runner;
    private final Supplier<StreamDecoder> decoders;
    private final Set<Integer> eosTokens;
    private final GeneratorOptions options;
    private final Thread thread;

    private final Object lock = new Object();
    /// Guarded by `lock`, as is `closed`.
    private final Queue<Session> waiting = new ArrayDeque<>();

    private boolean closed;

    /// In the order in which they started. Only the loop touches this and what follows.
    private final List<Session> running = new ArrayList<>();

    private final SequencePool pool;
    private final Candidates candidates;

    /// Owns the runner from here on. Nothing runs before `thread` is started.
    private LocalGenerator(
            ModelRunner runner, Supplier<StreamDecoder> decoders, Set<Integer> eosTokens, GeneratorOptions options) {
        this.runner = runner;
        this.decoders = decoders;
        this.eosTokens = Set.copyOf(eosTokens);
        this.options = options;
        this.pool = new SequencePool(runner);
        this.candidates = new Candidates(runner.vocabSize());
        this.thread = Thread.ofPlatform().name("mixtral4j-generate").daemon().unstarted(this::loop);
    }

    /// Allocates cache and workspace and starts the loop. The model stays the caller's, to be closed afterwards.
    ///
    /// @param eosTokens ids with which the model ends its text: [Tokenizer#eosId()], and what its files
    ///     declare besides
    /// @throws IllegalArgumentException if the options ask for a longer context than the model's
    public static LocalGenerator start(
            Mixtral model, Tokenizer tokenizer, Set<Integer> eosTokens, GeneratorOptions options) {
        int limit = model.config().contextLength();
        if (options.contextLength() > limit) {
            throw new IllegalArgumentException("contextLength " + options.contextLength() + " is longer than the "
                    + limit + " positions of the model; choose at most that");
        }
        ModelRunner runner = ModelRunner.allocate(
                model, options.cacheTokens(), options.cacheType(), options.maxBatchRows(), options.maxRunning());
        return start(runner, tokenizer::streamDecoder, eosTokens, options);
    }

    /// The same over any runner, which is closed with the generator.
    static LocalGenerator start(
            ModelRunner runner, Supplier<StreamDecoder> decoders, Set<Integer> eosTokens, GeneratorOptions options) {
        var generator = new LocalGenerator(runner, decoders, eosTokens, options);
        generator.thread.start();
        return generator;
    }

    @Override
    public Cancellation submit(GenerationRequest request, Consumer<GenerationEvent> sink) {
        check(request);
        var session = new Session(request, sink, decoders.get(), eosTokens, options.contextLength());
        synchronized (lock) {
            if (closed) {
                throw new IllegalStateException("the generator is closed");
            }
            if (waiting.size() >= options.maxWaiting()) {
                throw new RejectedExecutionException(waiting.size()
                        + " requests are waiting already, as many as may; try again later or raise maxWaiting");
            }
            waiting.add(session);
            lock.notifyAll();
        }
        return session;
    }

    private void check(GenerationRequest request) {
        int prompt = request.prompt().length;
        if (prompt >= options.contextLength()) {
            throw new IllegalArgumentException("the prompt has " + prompt + " tokens, but the context holds "
                    + options.contextLength() + " for prompt and completion together;"
                    + " shorten the prompt or choose a longer context");
        }
        for (int token : request.prompt()) {
            checkToken("the prompt", token);
        }
        request.stopTokens().forEach(token -> checkToken("stopTokens", token));
        request.sampling().logitBias().keySet().forEach(token -> checkToken("logitBias", token));
    }

    private void checkToken(String where, int token) {
        if (token < 0 || token >= runner.vocabSize()) {
            throw new IllegalArgumentException(where + " contains token " + token + ", but the vocabulary has ids 0 to "
                    + (runner.vocabSize() - 1));
        }
    }

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
        if (Thread.currentThread().equals(thread)) {
            // A sink closes the generator: the loop ends after this step.
            return;
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void loop() {
        try (runner) {
            while (awaitWork()) {
                try {
                    endCancelled();
                    admit();
                    step();
                } catch (RuntimeException | Error e) {
                    // Every running request took part in the step, and how far the model got with them is unknown.
                    List.copyOf(running).forEach(session -> fail(session, e));
                }
            }
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt this thread; then it ends as if closed.
        } finally {
            endAll();
        }
    }

    /// Waits for a request. @return false when the generator is closed
    private boolean awaitWork() throws InterruptedException {
        synchronized (lock) {
            while (!closed && waiting.isEmpty() && running.isEmpty()) {
                lock.wait();
            }
            return !closed;
        }
    }

    private void endCancelled() {
        List<Session> ended = new ArrayList<>();
        synchronized (lock) {
            waiting.removeIf(session -> session.isCancelled() && ended.add(session));
        }
        ended.forEach(session -> session.finish(FinishReason.CANCELLED));
        for (Session session : List.copyOf(running)) {
            if (session.isCancelled()) {
                finish(session, FinishReason.CANCELLED);
            }
        }
    }

    /// Starts waiting requests in order, as far as there is room.
    private void admit() {
        while (running.size() < options.maxRunning()) {
            Session session;
            synchronized (lock) {
                session = waiting.peek();
                if (session == null || !pool.fits(session.longestLength())) {
                    return;
                }
                waiting.remove();
            }
            try {
                session.start(pool.acquire(session.prompt(), session.longestLength()));
                running.add(session);
            } catch (RuntimeException | Error e) {
                session.fail(e);
            }
        }
    }

    /// Runs the model once and gives every session whose tokens are all computed its next one.
    private void step() {
        if (running.isEmpty()) {
            return;
        }
        BatchPlan plan = BatchPlan.of(running, options.maxBatchRows());
        runner.forward(plan.batch());
        int logitRow = 0;
        for (BatchPlan.Share share : plan.shares()) {
            Session session = share.session();
            session.advance(share.rows());
            if (session.pending() == 0) {
                sample(session, runner.logits(logitRow++));
            }
        }
    }

    private void sample(Session session, MemorySegment logits) {
        Optional<FinishReason> end;
        try {
            end = session.sample(logits, candidates);
        } catch (RuntimeException | Error e) {
            fail(session, e);
            return;
        }
        end.ifPresent(reason -> finish(session, reason));
    }

    private void finish(Session session, FinishReason reason) {
        running.remove(session);
        pool.keep(session.lease(), session.computedTokens());
        session.finish(reason);
    }

    private void fail(Session session, Throwable cause) {
        running.remove(session);
        pool.discard(session.lease());
        session.fail(cause);
    }

    private void endAll() {
        List<Session> ended = new ArrayList<>(running);
        synchronized (lock) {
            closed = true;
            ended.addAll(waiting);
            waiting.clear();
        }
        ended.forEach(session -> session.finish(FinishReason.CANCELLED));
    }
}
