package io.github.mixtral4j.generate;

import io.github.mixtral4j.sampling.SamplingParams;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/// A prompt to complete, and how. Start with [#of(int...)] and change what differs.
///
/// @param prompt token ids, begin-of-text included if it is wanted; not to be changed afterwards
/// @param sampling how each token is chosen
/// @param maxTokens the completion's longest length in tokens; the end of the context limits it too
/// @param stopStrings the completion ends before the first place in its text where one of them is complete
/// @param stopTokens ids that end the completion, besides end-of-text
/// @param ignoreEos never sample end-of-text, so that only the other limits end the completion
/// @param logprobs when present, every event carries the log-probability of its token and of this many most likely ones
@SuppressWarnings("ArrayRecordComponent") // ids as the tokenizer gives them; nobody compares requests
public record GenerationRequest(
        int[] prompt,
        SamplingParams sampling,
        int maxTokens,
        List<String> stopStrings,
        Set<Integer> stopTokens,
        boolean ignoreEos,
        OptionalInt logprobs) {

    /// @throws IllegalArgumentException naming what is out of range
    public GenerationRequest {
        require(prompt.length > 0, "the prompt is empty; it needs at least one token, usually begin-of-text");
        require(maxTokens > 0, "maxTokens must be >= 1, got " + maxTokens);
        stopStrings = List.copyOf(stopStrings);
        stopTokens = Set.copyOf(stopTokens);
        for (String stop : stopStrings) {
            require(!stop.isEmpty(), "a stop string is empty; it would end every completion at once");
        }
        require(logprobs.orElse(0) >= 0, "logprobs must be >= 0, got " + logprobs.orElse(0));
    }

    /// A request with [SamplingParams#defaults()] that runs until the model stops or the context is full.
    public static GenerationRequest of(int... prompt) {
        return new GenerationRequest(
                prompt, SamplingParams.defaults(), Integer.MAX_VALUE, List.of(), Set.of(), false, OptionalInt.empty());
    }

    /// The same request with other sampling.
    public GenerationRequest withSampling(SamplingParams params) {
        return new GenerationRequest(prompt, params, maxTokens, stopStrings, stopTokens, ignoreEos, logprobs);
    }

    /// The same request with at most `count` tokens.
    public GenerationRequest withMaxTokens(int count) {
        return new GenerationRequest(prompt, sampling, count, stopStrings, stopTokens, ignoreEos, logprobs);
    }

    /// The same request with these stop strings.
    public GenerationRequest withStopStrings(List<String> strings) {
        return new GenerationRequest(prompt, sampling, maxTokens, strings, stopTokens, ignoreEos, logprobs);
    }

    /// The same request with these stop tokens.
    public GenerationRequest withStopTokens(Set<Integer> ids) {
        return new GenerationRequest(prompt, sampling, maxTokens, stopStrings, ids, ignoreEos, logprobs);
    }

    /// The same request, which goes on past the model's end-of-text or not.
    public GenerationRequest withIgnoreEos(boolean ignore) {
        return new GenerationRequest(prompt, sampling, maxTokens, stopStrings, stopTokens, ignore, logprobs);
    }

    /// The same request with log-probabilities of each token and of the `top` most likely ones beside it.
    public GenerationRequest withLogprobs(int top) {
        return new GenerationRequest(
                prompt, sampling, maxTokens, stopStrings, stopTokens, ignoreEos, OptionalInt.of(top));
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
