package io.github.mixtral4j.chat;

import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.random.RandomGenerator;

/// How a conversation is written for one generation of Mixtral, and how its reply is read: two sides of one format.
/// Immutable; threads may share it.
public sealed interface ChatFormat permits FormatV1, FormatV3 {
    /// The format the vocabulary was made for: v3 if it has the control pieces of v3 (8x22B Instruct), else v1 (8x7B).
    static ChatFormat of(Tokenizer tokenizer) {
        return FormatV3.firstMissingPiece(tokenizer).isEmpty() ? new FormatV3(tokenizer) : new FormatV1(tokenizer);
    }

    /// The format with that name.
    /// @param name `v1` or `v3`
    /// @throws IllegalArgumentException if there is no such format, or the vocabulary lacks its control pieces
    static ChatFormat named(String name, Tokenizer tokenizer) {
        return switch (name) {
            case "v1" -> new FormatV1(tokenizer);
            case "v3" -> new FormatV3(tokenizer);
            default -> throw new IllegalArgumentException("chat format must be v1 or v3, got " + name);
        };
    }

    /// `v1` or `v3`.
    String name();

    /// Writes a request for the model.
    /// @throws ChatRequestException if the request breaks a rule of the format; the message names the place
    Prompt render(ChatRequest request);

    /// Writes a finished conversation, to train on: the last message is from the assistant, and complete.
    /// @throws ChatRequestException if it breaks a rule of the format; the message names the place
    Transcript transcript(ChatRequest request);

    /// A parser for one reply that is generated now.
    /// @param random for the ids of tool calls to which the model gave none
    ReplyParser replyParser(RandomGenerator random);

    /// A parser for one reply that is generated now.
    default ReplyParser replyParser() {
        return replyParser(RandomGenerator.getDefault());
    }

    /// Reads a whole reply.
    /// @param ids what the model generated, with or without `</s>` at the end
    default Reply parse(int... ids) {
        ReplyParser parser = replyParser();
        for (int id : ids) {
            parser.push(id);
        }
        return parser.finish();
    }

    /// Reads a whole reply from text in which `[TOOL_CALLS]` is spelled out. Ids are the better source: in text, the
    /// mark cannot be told from a reply that begins with the same characters.
    default Reply parse(String text) {
        ReplyParser parser = replyParser();
        parser.push(text);
        return parser.finish();
    }
}
