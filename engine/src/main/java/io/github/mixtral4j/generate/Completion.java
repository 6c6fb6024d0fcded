package io.github.mixtral4j.generate;

import io.github.mixtral4j.sampling.Logprobs;
import java.util.List;
import java.util.Optional;

/// A finished completion.
///
/// @param text what the prompt's text goes on with, without the stop string
/// @param tokens ids sampled, the one that stopped the completion included
/// @param logprobs one per token if they were requested, else empty
/// @param reason why it ended
/// @param stopString the stop string that ended it, if one did
/// @param usage counts and times
public record Completion(
        String text,
        List<Integer> tokens,
        List<Logprobs> logprobs,
        FinishReason reason,
        Optional<String> stopString,
        Usage usage) {
    public Completion {
        tokens = List.copyOf(tokens);
        logprobs = List.copyOf(logprobs);
    }
}
