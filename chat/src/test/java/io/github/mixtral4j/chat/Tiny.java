package io.github.mixtral4j.chat;

import io.github.mixtral4j.testkit.TinyTokenizer;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;

/// Small vocabularies in the layouts of v1 and v3.
final class Tiny {
    static final Tokenizer V1 = of(TinyTokenizer.v1(600));
    static final Tokenizer V3 = of(TinyTokenizer.v3(1500));

    private Tiny() {}

    private static Tokenizer of(TinyTokenizer tiny) {
        return Tokenizer.of(SentencePieceModel.parse("tiny.model", tiny.sentencePieceModel()));
    }

    static String v1(String request) {
        return ChatFormat.of(V1)
                .render(ChatRequest.read(request.replace('\'', '"')))
                .text();
    }

    static String v3(String request) {
        return ChatFormat.of(V3)
                .render(ChatRequest.read(request.replace('\'', '"')))
                .text();
    }
}
