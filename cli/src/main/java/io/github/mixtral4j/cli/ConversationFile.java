package io.github.mixtral4j.cli;

import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Tool;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.checkpoint.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A conversation on disk, in the form that `mixtral prompt` and chat endpoints take: `{"messages": […], "tools":
/// […]}`.
final class ConversationFile {
    private ConversationFile() {}

    /// Reads a conversation.
    ///
    /// @throws CommandException if the file is not JSON
    /// @throws io.github.mixtral4j.chat.ChatRequestException if it holds something else
    static ChatRequest read(Path file) throws IOException {
        return ChatRequest.of(Json.parse(file.toString(), Files.readAllBytes(file), 0, -1));
    }

    /// Writes a conversation; the file is the old one or the new one, never a part.
    static void write(Path file, ChatRequest conversation) throws IOException {
        ObjectNode root = Json.MAPPER.createObjectNode();
        ArrayNode messages = root.putArray("messages");
        conversation.messages().forEach(message -> write(messages.addObject(), message));
        if (!conversation.tools().isEmpty()) {
            ArrayNode tools = root.putArray("tools");
            conversation.tools().forEach(tool -> write(tools.addObject(), tool));
        }
        AtomicFile.write(file, Json.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
    }

    private static void write(ObjectNode object, Message message) {
        object.put("role", message.role());
        switch (message) {
            case Message.SystemMessage system -> object.put("content", system.content());
            case Message.UserMessage user -> object.put("content", user.content());
            case Message.AssistantMessage assistant -> {
                if (assistant.toolCalls().isEmpty()) {
                    object.put("content", assistant.content());
                } else {
                    ArrayNode calls = object.putArray("tool_calls");
                    assistant.toolCalls().forEach(call -> write(calls.addObject(), call));
                }
            }
            case Message.ToolMessage tool ->
                object.put("tool_call_id", tool.toolCallId()).put("content", tool.content());
        }
    }

    private static void write(ObjectNode object, ToolCall call) {
        object.put("id", call.id()).put("type", "function");
        object.putObject("function").put("name", call.name()).put("arguments", call.arguments());
    }

    private static void write(ObjectNode object, Tool tool) {
        object.put("type", "function");
        object.putObject("function")
                .put("name", tool.name())
                .put("description", tool.description())
                .set("parameters", tool.parameters());
    }
}
