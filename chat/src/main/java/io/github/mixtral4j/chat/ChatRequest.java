package io.github.mixtral4j.chat;

import java.util.List;
import tools.jackson.databind.JsonNode;

/// A conversation and the tools the model may call in its next turn.
///
/// Rules that hold between messages, such as the order of roles, are checked by [ChatFormat#render].
public record ChatRequest(List<Message> messages, List<Tool> tools) {
    public ChatRequest {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
    }

    /// A conversation without tools.
    public ChatRequest(List<Message> messages) {
        this(messages, List.of());
    }

    /// Reads `{"messages": […], "tools": […]}` as OpenAI's and Mistral's chat endpoints take it. Unknown fields, such
    /// as the temperature, are passed over.
    /// @throws ChatRequestException if it is not JSON or a field has the wrong form; the message names its path
    public static ChatRequest read(String json) {
        return RequestReader.read(json);
    }

    /// Reads a request that is parsed already.
    /// @throws ChatRequestException if a field has the wrong form; the message names its path
    public static ChatRequest of(JsonNode request) {
        return RequestReader.read(request);
    }
}
