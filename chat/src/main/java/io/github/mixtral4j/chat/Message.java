package io.github.mixtral4j.chat;

import java.util.List;

/// One message of a conversation. What is absent in a request, such as the content beside tool calls, is empty here.
public sealed interface Message {
    /// Instructions that hold for the whole conversation, wherever they stand in it.
    record SystemMessage(String content) implements Message {}

    /// What the user says.
    record UserMessage(String content) implements Message {}

    /// What the model said: content or tool calls, not both.
    /// @param prefix whether the reply begins with this content and the model goes on from there; only for the last
    ///     message
    record AssistantMessage(String content, List<ToolCall> toolCalls, boolean prefix) implements Message {
        public AssistantMessage {
            toolCalls = List.copyOf(toolCalls);
        }

        /// A finished reply without tool calls.
        public AssistantMessage(String content) {
            this(content, List.of(), false);
        }

        /// A reply that only calls tools.
        public AssistantMessage(List<ToolCall> toolCalls) {
            this("", toolCalls, false);
        }
    }

    /// What a tool gave back.
    /// @param content JSON, or any other text
    /// @param toolCallId the id of the call that this answers
    record ToolMessage(String content, String toolCallId) implements Message {}

    /// The name that requests give to this kind of message.
    default String role() {
        return switch (this) {
            case SystemMessage _ -> "system";
            case UserMessage _ -> "user";
            case AssistantMessage _ -> "assistant";
            case ToolMessage _ -> "tool";
        };
    }
}
