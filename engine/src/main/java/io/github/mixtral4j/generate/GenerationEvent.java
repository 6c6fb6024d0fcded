package io.github.mixtral4j.generate;

import io.github.mixtral4j.sampling.Logprobs;
import java.util.Optional;

/// What happens to a request, in order: any number of [Text], then one [Finished] or [Failed].
public sealed interface GenerationEvent {
    /// A token was sampled. Every token of the completion comes in one such event, the last one included.
    ///
    /// @param delta the text that became certain with it. Often empty: part of a character is held back until the
    ///     character is complete, and text that may be the beginning of a stop string until that is decided. The
    ///     last token brings what was held back; end-of-text and stop tokens have no text of their own
    /// @param token its id
    /// @param logprobs as requested
    record Text(String delta, int token, Optional<Logprobs> logprobs) implements GenerationEvent {}

    /// The completion ended.
    ///
    /// @param stopString the stop string that ended it, if one did; it is not part of the text
    record Finished(FinishReason reason, Optional<String> stopString, Usage usage) implements GenerationEvent {}

    /// The request broke off because of an error; other requests go on.
    ///
    /// @param message what happened, for the user
    record Failed(String message, Throwable cause) implements GenerationEvent {}
}
