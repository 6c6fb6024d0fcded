package io.github.mixtral4j.generate;

import io.github.mixtral4j.sampling.Candidates;
import io.github.mixtral4j.sampling.Logprobs;
import io.github.mixtral4j.sampling.Sampler;
import io.github.mixtral4j.sampling.SamplingParams;
import io.github.mixtral4j.tokenizer.StreamDecoder;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One request from submission to its end: its tokens, how many of them the cache holds, its text and its events.
///
/// Made by the submitting thread, then owned by the loop; only [#cancel()] may come from anywhere at any time.
final class Session implements Cancellation {
    private static final System.Logger LOG = System.getLogger(Session.class.getPackageName());

    private final GenerationRequest request;
    private final Consumer<GenerationEvent> sink;
    private final Set<Integer> eosTokens;
    private final int contextLength;
    private final Sampler sampler;
    private final TextStream text;

    /// Prompt and completion; the first `size` elements are in use, the first `computed` are in the cache.
    private int[] tokens;
    private int size;
    private int computed;
    private SequencePool.@Nullable Lease lease;

    private final long submittedNanos = System.nanoTime();
    private long startedNanos;
    private long firstTokenNanos;

    private volatile boolean cancelled;
    private boolean sinkFailed;

    Session(
            GenerationRequest request,
            Consumer<GenerationEvent> sink,
            StreamDecoder decoder,
            Set<Integer> eosTokens,
            int contextLength) {
        this.request = request;
        this.sink = sink;
        this.eosTokens = eosTokens;
        this.contextLength = contextLength;
        this.sampler = Sampler.of(request.ignoreEos() ? banning(eosTokens, request.sampling()) : request.sampling());
        this.text = new TextStream(decoder, request.prompt(), request.stopStrings());
        this.tokens = request.prompt().clone();
        this.size = tokens.length;
        for (int token : tokens) {
            sampler.accept(token);
        }
    }

    private static SamplingParams banning(Set<Integer> banned, SamplingParams params) {
        var bias = new HashMap<>(params.logitBias());
        banned.forEach(token -> bias.put(token, Double.NEGATIVE_INFINITY));
        return params.toBuilder().logitBias(bias).build();
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    boolean isCancelled() {
        return cancelled;
    }

    int[] prompt() {
        return request.prompt();
    }

    /// The longest that prompt and completion can become.
    int longestLength() {
        return (int) Math.min(contextLength, (long) request.prompt().length + request.maxTokens());
    }

    /// Gives the session its place in the cache.
    void start(SequencePool.Lease place) {
        lease = place;
        computed = place.computed();
        startedNanos = System.nanoTime();
    }

    SequencePool.Lease lease() {
        return Objects.requireNonNull(lease, "the session has not started");
    }

    /// Tokens that the cache does not hold yet: at least one while the session runs.
    int pending() {
        return size - computed;
    }

    /// Positions that are in the cache.
    int computed() {
        return computed;
    }

    int token(int position) {
        return tokens[position];
    }

    /// The tokens at the positions in the cache.
    int[] computedTokens() {
        return Arrays.copyOf(tokens, computed);
    }

    /// Takes note that the next `rows` pending tokens are now in the cache.
    void advance(int rows) {
        computed += rows;
    }

    /// Samples the next token and tells the sink.
    ///
    /// @param logits of the last token
    /// @param candidates a buffer
    /// @return why the completion ends here, or empty to go on
    Optional<FinishReason> sample(MemorySegment logits, Candidates candidates) {
        int token = sampler.sample(candidates.load(logits));
        sampler.accept(token);
        if (size == request.prompt().length) {
            firstTokenNanos = System.nanoTime();
        }
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.min(longestLength(), 2 * size));
        }
        tokens[size++] = token;
        Optional<Logprobs> logprobs = request.logprobs().isPresent()
                ? Optional.of(Logprobs.of(logits, token, request.logprobs().getAsInt()))
                : Optional.empty();

        boolean endToken = eosTokens.contains(token) || request.stopTokens().contains(token);
        String delta = endToken ? "" : text.push(token);
        Optional<FinishReason> end = endToken ? Optional.of(FinishReason.STOP) : limitReached();
        if (end.isPresent()) {
            delta += text.finish();
        }
        emit(new GenerationEvent.Text(delta, token, logprobs));
        return text.stopString().isPresent() ? Optional.of(FinishReason.STOP) : end;
    }

    private Optional<FinishReason> limitReached() {
        if (size - request.prompt().length == request.maxTokens()) {
            return Optional.of(FinishReason.LENGTH);
        }
        return size == contextLength ? Optional.of(FinishReason.MODEL_LENGTH) : Optional.empty();
    }

    void finish(FinishReason reason) {
        emit(new GenerationEvent.Finished(reason, text.stopString(), usage()));
    }

    void fail(Throwable cause) {
        // The message of an exception made for the caller stands by itself; others say little without their name.
        String message = cause instanceof IllegalArgumentException && cause.getMessage() != null
                ? cause.getMessage()
                : cause.toString();
        emit(new GenerationEvent.Failed(message, cause));
    }

    private void emit(GenerationEvent event) {
        if (sinkFailed) {
            return;
        }
        try {
            sink.accept(event);
        } catch (RuntimeException | Error e) {
            if (!(e instanceof CancellationException)) {
                LOG.log(Level.WARNING, "the consumer of a request's events failed; the request is cancelled", e);
            }
            sinkFailed = true;
            cancelled = true;
        }
    }

    private Usage usage() {
        int prompt = request.prompt().length;
        long end = System.nanoTime();
        boolean started = lease != null;
        boolean sampled = size > prompt;
        return new Usage(
                prompt,
                started ? lease().computed() : 0,
                size - prompt,
                started ? seconds(startedNanos, sampled ? firstTokenNanos : end) : 0,
                sampled ? seconds(firstTokenNanos, end) : 0,
                sampled ? seconds(submittedNanos, firstTokenNanos) : 0);
    }

    private static double seconds(long from, long to) {
        return (to - from) / 1e9;
    }
}
