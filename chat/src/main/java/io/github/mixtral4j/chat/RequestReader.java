package io.github.mixtral4j.chat;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.checkpoint.Names;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Turns the JSON of a request into messages and tools, with the tolerance of mistral-common's `from_openai`: fields
/// may be null, content may be a list of text parts, arguments an object or a string.
final class RequestReader {
    private RequestReader() {}

    static ChatRequest read(String json) {
        try {
            return read(PythonJson.read(json));
        } catch (JacksonException e) {
            throw new ChatRequestException("request", "not JSON: " + e.getOriginalMessage());
        }
    }

    static ChatRequest read(JsonNode root) {
        if (!root.isObject()) {
            throw expected("request", "an object with messages", root);
        }
        JsonNode list = root.path("messages");
        if (isAbsent(list)) {
            throw expected("messages", "a list", list);
        }
        List<Message> messages = elements(list, "messages", RequestReader::message);
        if (root.path("continue_final_message").asBoolean(false)) {
            continueLast(messages);
        }
        return new ChatRequest(messages, elements(root.path("tools"), "tools", RequestReader::tool));
    }

    /// What vLLM and Hugging Face call it when the model goes on with the last message.
    private static void continueLast(List<Message> messages) {
        int last = messages.size() - 1;
        if (last < 0 || !(messages.get(last) instanceof AssistantMessage message)) {
            throw new ChatRequestException(
                    "continue_final_message", "the last message must be from assistant to be continued");
        }
        messages.set(last, new AssistantMessage(message.content(), message.toolCalls(), true));
    }

    private static Message message(JsonNode node, String path) {
        if (!node.isObject()) {
            throw expected(path, "an object with role and content", node);
        }
        JsonNode content = node.path("content");
        String contentPath = path + ".content";
        return switch (string(node, path, "role")) {
            case "system" -> new SystemMessage(text(content, contentPath));
            case "user" -> new UserMessage(text(content, contentPath));
            case "assistant" ->
                new AssistantMessage(
                        isAbsent(content) ? "" : text(content, contentPath),
                        elements(node.path("tool_calls"), path + ".tool_calls", RequestReader::toolCall),
                        node.path("prefix").asBoolean(false));
            case "tool" -> {
                if (!isAbsent(node.path("name"))) {
                    RequestRules.checkName(string(node, path, "name"), path + ".name");
                }
                yield new ToolMessage(text(content, contentPath), string(node, path, "tool_call_id"));
            }
            default -> throw expected(path + ".role", "system, user, assistant or tool", node.path("role"));
        };
    }

    /// A string, or the texts of a list of parts with an empty line between them.
    private static String text(JsonNode content, String path) {
        if (content.isString()) {
            return content.stringValue();
        }
        if (!content.isArray()) {
            throw expected(path, "a string or a list of text parts", content);
        }
        List<String> texts = elements(content, path, RequestReader::part);
        texts.removeIf(String::isEmpty);
        return String.join("\n\n", texts);
    }

    private static String part(JsonNode part, String path) {
        if (!part.isObject()) {
            throw expected(path, "an object such as {\"type\": \"text\", \"text\": …}", part);
        }
        if (!string(part, path, "type").equals("text")) {
            throw expected(path + ".type", "text, which is all that Mixtral reads", part.path("type"));
        }
        return string(part, path, "text");
    }

    private static ToolCall toolCall(JsonNode node, String path) {
        ObjectNode function = function(node, path);
        JsonNode id = node.path("id");
        JsonNode arguments = function.path("arguments");
        String argumentsText;
        if (isAbsent(arguments)) {
            argumentsText = "";
        } else if (arguments.isString()) {
            argumentsText = arguments.stringValue();
        } else if (arguments.isObject()) {
            argumentsText = PythonJson.write(arguments);
        } else {
            throw expected(path + ".function.arguments", "an object, or a string with one", arguments);
        }
        return new ToolCall(
                isAbsent(id) ? "" : string(node, path, "id"),
                string(function, path + ".function", "name"),
                argumentsText);
    }

    private static Tool tool(JsonNode node, String path) {
        ObjectNode function = function(node, path);
        String functionPath = path + ".function";
        JsonNode parameters = function.path("parameters");
        if (!isAbsent(parameters) && !parameters.isObject()) {
            throw expected(functionPath + ".parameters", "a JSON Schema object", parameters);
        }
        return new Tool(
                string(function, functionPath, "name"),
                isAbsent(function.path("description")) ? "" : string(function, functionPath, "description"),
                parameters instanceof ObjectNode schema ? schema.deepCopy() : JsonNodeFactory.instance.objectNode());
    }

    private static ObjectNode function(JsonNode node, String path) {
        if (!node.isObject()) {
            throw expected(path, "an object with a function", node);
        }
        if (!isAbsent(node.path("type")) && !string(node, path, "type").equals("function")) {
            throw expected(path + ".type", "function", node.path("type"));
        }
        if (node.path("function") instanceof ObjectNode function) {
            return function;
        }
        throw expected(path + ".function", "an object with a name", node.path("function"));
    }

    private static <T> List<T> elements(JsonNode list, String path, BiFunction<JsonNode, String, T> reader) {
        List<T> elements = new ArrayList<>();
        if (isAbsent(list)) {
            return elements;
        }
        if (!list.isArray()) {
            throw expected(path, "a list", list);
        }
        for (int i = 0; i < list.size(); i++) {
            elements.add(reader.apply(list.get(i), path + "[" + i + "]"));
        }
        return elements;
    }

    private static String string(JsonNode object, String path, String field) {
        JsonNode value = object.path(field);
        if (!value.isString()) {
            throw expected(path + "." + field, "a string", value);
        }
        return value.stringValue();
    }

    private static boolean isAbsent(JsonNode node) {
        return node.isMissingNode() || node.isNull();
    }

    static ChatRequestException expected(String path, String what, JsonNode found) {
        String text = found.isMissingNode() ? "nothing" : PythonJson.write(found);
        return new ChatRequestException(path, "expected " + what + ", got " + Names.printable(text, 60));
    }
}
