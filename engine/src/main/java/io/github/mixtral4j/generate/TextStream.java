package io.github.mixtral4j.generate;

import io.github.mixtral4j.tokenizer.StreamDecoder;
import java.util.List;
import java.util.Optional;

/// From sampled ids to the text that may be shown: whole characters only, and nothing of a stop string.
final class TextStream {
    private final StreamDecoder decoder;
    private final StopMatcher matcher;

    /// @param prompt ids before the completion. They are not shown, but they decide whether a leading space is part of
    ///     the text and may have left a character incomplete
    TextStream(StreamDecoder decoder, int[] prompt, List<String> stopStrings) {
        this.decoder = decoder;
        this.matcher = new StopMatcher(stopStrings);
        for (int id : prompt) {
            decoder.push(id);
        }
    }

    /// Takes the next id.
    ///
    /// @return the text that is certain now and was not before
    String push(int id) {
        return matcher.feed(decoder.push(id));
    }

    /// The stop string that ended the text.
    Optional<String> stopString() {
        return matcher.match();
    }

    /// Ends the text.
    ///
    /// @return what was held back until now
    String finish() {
        return matcher.feed(decoder.flush()) + matcher.flush();
    }
}
