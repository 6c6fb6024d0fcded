package io.github.mixtral4j.chat;

import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Puts a prompt together from control ids and encoded texts. Every text is encoded by itself, so each begins with the
/// vocabulary's dummy space, and no merge runs over a control id.
final class PromptBuilder {
    private final Tokenizer tokenizer;
    private final IntStream.Builder ids = IntStream.builder();
    private final StringBuilder text = new StringBuilder();
    private final List<Transcript.Span> replies = new ArrayList<>();
    private int length;

    /// Starts with `<s>`.
    PromptBuilder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        id(tokenizer.bosId());
    }

    PromptBuilder id(int id) {
        ids.add(id);
        length++;
        text.append(tokenizer.piece(id));
        return this;
    }

    PromptBuilder text(String content) {
        for (int id : tokenizer.encode(content)) {
            id(id);
        }
        return this;
    }

    /// Adds what `writer` writes, and remembers it as a reply of the assistant.
    PromptBuilder reply(Runnable writer) {
        int from = length;
        writer.run();
        replies.add(new Transcript.Span(from, length));
        return this;
    }

    Prompt build() {
        return new Prompt(ids.build().toArray(), text.toString());
    }

    Transcript transcript() {
        return new Transcript(ids.build().toArray(), replies);
    }
}
