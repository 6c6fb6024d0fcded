package io.github.mixtral4j.chat;

import java.util.List;

/// A finished conversation as a model reads it, and which parts of it the model would have written.
///
/// @param ids `<s>` first; the receiver's own
/// @param replies the turns of the assistant in order, each with the `</s>` that ends it; messages of the
///     assistant that follow each other are one turn
@SuppressWarnings("ArrayRecordComponent") // a result to be read, never compared
public record Transcript(int[] ids, List<Span> replies) {
    public Transcript {
        replies = List.copyOf(replies);
    }

    /// Some of the ids.
    ///
    /// @param from index of the first
    /// @param to index after the last
    public record Span(int from, int to) {}
}
