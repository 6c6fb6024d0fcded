package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Tool;
import java.util.List;
import java.util.Optional;

/// A conversation to learn from, or to be examined with.
///
/// @param kind which source made it, and which variant: `calls.one`
/// @param language of the reply
/// @param messages the conversation; the last one is the model's reply
/// @param tools what the model may call in its reply
/// @param expected what a right reply is
/// @param key what makes it this sample and not another: two samples with the same key teach the same thing, so that a
///     key is trained on or held out, never both. Empty for what everybody says (`Hello`): trained on, never held out
/// @param rejected a reply that is worse than the last message, for preference training
public record Sample(
        String kind,
        Language language,
        List<Message> messages,
        List<Tool> tools,
        Expected expected,
        String key,
        Optional<AssistantMessage> rejected) {
    public Sample {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        if (!(messages.getLast() instanceof AssistantMessage)) {
            throw new IllegalArgumentException("the last message of a sample must be from assistant");
        }
    }

    /// A sample without tools whose only user message is `question`.
    static Sample of(String kind, Language language, String question, String reply, Expected expected) {
        return new Sample(
                kind,
                language,
                List.of(new Message.UserMessage(question), new AssistantMessage(reply)),
                List.of(),
                expected,
                question,
                Optional.empty());
    }

    /// The same with another key.
    Sample withKey(String other) {
        return new Sample(kind, language, messages, tools, expected, other, rejected);
    }

    /// The same with a worse reply beside the right one.
    Sample withRejected(String reply) {
        return new Sample(kind, language, messages, tools, expected, key, Optional.of(new AssistantMessage(reply)));
    }

    /// The model's reply.
    public AssistantMessage reply() {
        return (AssistantMessage) messages.getLast();
    }
}
