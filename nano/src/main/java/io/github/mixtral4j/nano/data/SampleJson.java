package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.chat.Tool;
import io.github.mixtral4j.chat.ToolCall;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Samples as lines of JSON, in the form of mistral-finetune.
/// ```
/// {"text": "Call me Ishmael. …"}
/// {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}], "tools": […]}
/// {"prompt": […messages], "tools": […], "chosen": […message], "rejected": […message]}
/// ```
/// Calls in the history have ids that were rolled, so they weigh nothing: `"weight": 0`. Small talk in the history
/// weighs as much beside functions as without them: `"weight": 1`.
final class SampleJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final JsonMapper JSON = new JsonMapper();

    private SampleJson() {}

    static String text(String text) {
        return line(NODES.objectNode().put("text", text));
    }

    static String chat(Sample sample) {
        ObjectNode line = request(sample, sample.messages());
        if (!sample.tools().isEmpty()) {
            line.path("messages").forEach(SampleJson::weigh);
        }
        return line(line);
    }

    private static void weigh(JsonNode message) {
        if (message instanceof ObjectNode said
                && said.path("role").asString("").equals("assistant")
                && said.has("content")) {
            said.put("weight", 1);
        }
    }

    /// @throws java.util.NoSuchElementException if nothing is rejected
    static String preference(Sample sample) {
        ObjectNode line = NODES.objectNode();
        List<Message> messages = sample.messages();
        line.set("prompt", messages(messages.subList(0, messages.size() - 1)));
        addTools(line, sample.tools());
        line.set("chosen", messages(List.of(sample.reply())));
        line.set("rejected", messages(List.of(sample.rejected().orElseThrow())));
        return line(line);
    }

    /// A held-out sample: the request without its reply, and what is expected.
    static String task(Sample sample) {
        List<Message> messages = sample.messages();
        ObjectNode line = request(sample, messages.subList(0, messages.size() - 1));
        line.put("kind", sample.kind()).put("language", sample.language().code());
        line.put("reply", sample.reply().content());
        ObjectNode expected = line.putObject("expected");
        switch (sample.expected()) {
            case Expected.Anything() -> {}
            case Expected.Text(String text) -> expected.put("text", text);
            case Expected.Number(long value) -> expected.put("number", value);
            case Expected.Calls(List<ToolCall> calls) -> expected.set("calls", calls(calls));
            case Expected.Json(var schema, var value) ->
                expected.set("schema", schema).set("json", value);
        }
        return line(line);
    }

    private static ObjectNode request(Sample sample, List<Message> messages) {
        ObjectNode request = NODES.objectNode();
        request.set("messages", messages(messages));
        addTools(request, sample.tools());
        return request;
    }

    private static ArrayNode messages(List<Message> messages) {
        ArrayNode list = NODES.arrayNode();
        for (Message message : messages) {
            ObjectNode node = list.addObject().put("role", message.role());
            switch (message) {
                case SystemMessage(String content) -> node.put("content", content);
                case UserMessage(String content) -> node.put("content", content);
                case ToolMessage(String content, String id) ->
                    node.put("content", content).put("tool_call_id", id);
                case AssistantMessage assistant -> {
                    if (assistant.toolCalls().isEmpty()) {
                        node.put("content", assistant.content());
                    } else {
                        node.set("tool_calls", calls(assistant.toolCalls()));
                        if (!assistant.toolCalls().getFirst().id().isEmpty()) {
                            node.put("weight", 0);
                        }
                    }
                }
            }
        }
        return list;
    }

    private static ArrayNode calls(List<ToolCall> calls) {
        ArrayNode list = NODES.arrayNode();
        for (ToolCall call : calls) {
            ObjectNode node = list.addObject();
            if (!call.id().isEmpty()) {
                node.put("id", call.id());
            }
            node.put("type", "function");
            node.putObject("function").put("name", call.name()).put("arguments", call.arguments());
        }
        return list;
    }

    private static void addTools(ObjectNode request, List<Tool> tools) {
        if (!tools.isEmpty()) {
            ArrayNode list = request.putArray("tools");
            for (Tool tool : tools) {
                ObjectNode function = list.addObject().put("type", "function").putObject("function");
                function.put("name", tool.name()).put("description", tool.description());
                function.set("parameters", tool.parameters());
            }
        }
    }

    private static String line(ObjectNode node) {
        return JSON.writeValueAsString(node);
    }
}
