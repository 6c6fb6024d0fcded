package io.github.mixtral4j.chat;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The format of Mixtral 8x22B Instruct. Turns stand between control pieces; the tools, and the system prompt, go to
/// the **last** user message, so that they move with every turn.
/// ```
/// <s>[INST]▁Hi[/INST]▁Hello!</s>[AVAILABLE_TOOLS]▁[{"type":▁"function",…}][/AVAILABLE_TOOLS][INST]▁Weather?[/INST]
/// [TOOL_CALLS]▁[{"name":▁"f",▁"arguments":▁{…},▁"id":▁"123456789"}]</s>
/// [TOOL_RESULTS]▁{"content":▁22,▁"call_id":▁"123456789"}[/TOOL_RESULTS]
/// ```
/// Source: mistral-common, tokens/tokenizers/instruct.py, InstructTokenizerV3.
final class FormatV3 implements ChatFormat {
    private static final String INST = "[INST]";
    private static final String END_INST = "[/INST]";
    private static final String TOOL_CALLS = "[TOOL_CALLS]";
    private static final String TOOLS = "[AVAILABLE_TOOLS]";
    private static final String END_TOOLS = "[/AVAILABLE_TOOLS]";
    private static final String RESULTS = "[TOOL_RESULTS]";
    private static final String END_RESULTS = "[/TOOL_RESULTS]";

    private static final List<String> PIECES =
            List.of(INST, END_INST, TOOL_CALLS, TOOLS, END_TOOLS, RESULTS, END_RESULTS);

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final Tokenizer tokenizer;

    FormatV3(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        firstMissingPiece(tokenizer).ifPresent(piece -> {
            throw new IllegalArgumentException("chat format v3 needs the control piece " + piece + ", which "
                    + tokenizer.vocabulary().source() + " (" + tokenizer.vocabSize() + " pieces) has not; use v1");
        });
    }

    static Optional<String> firstMissingPiece(Tokenizer tokenizer) {
        return PIECES.stream()
                .filter(piece -> tokenizer.controlId(piece).isEmpty())
                .findFirst();
    }

    @Override
    public String name() {
        return "v3";
    }

    @Override
    public Prompt render(ChatRequest request) {
        RequestRules.check(request);
        return write(request).build();
    }

    @Override
    public Transcript transcript(ChatRequest request) {
        RequestRules.checkFinished(request);
        return write(request).transcript();
    }

    private PromptBuilder write(ChatRequest request) {
        Conversation conversation = Conversation.of(request);
        PromptBuilder prompt = new PromptBuilder(tokenizer);
        List<Message> turns = conversation.turns();
        int lastUser = conversation.lastUser();
        for (int i = 0; i < turns.size(); i++) {
            switch (turns.get(i)) {
                case UserMessage(String content) -> {
                    boolean isLast = i == lastUser;
                    if (isLast && !request.tools().isEmpty()) {
                        enclose(prompt, TOOLS, PythonJson.write(tools(request.tools())), END_TOOLS);
                    }
                    enclose(prompt, INST, isLast ? conversation.withSystem(content) : content, END_INST);
                }
                case AssistantMessage message -> prompt.reply(() -> reply(prompt, message));
                case ToolMessage message -> enclose(prompt, RESULTS, PythonJson.write(result(message)), END_RESULTS);
                case SystemMessage _ -> throw new IllegalStateException("no such turn in v3");
            }
        }
        return prompt;
    }

    @Override
    public ReplyParser replyParser(RandomGenerator random) {
        return new ReplyParser(tokenizer, tokenizer.controlId(TOOL_CALLS), random);
    }

    private int control(String piece) {
        return tokenizer.controlId(piece).orElseThrow();
    }

    private void enclose(PromptBuilder prompt, String begin, String content, String end) {
        prompt.id(control(begin)).text(content).id(control(end));
    }

    private void reply(PromptBuilder prompt, AssistantMessage message) {
        if (message.toolCalls().isEmpty()) {
            prompt.text(withoutTrailingSpaces(message.content()));
        } else {
            prompt.id(control(TOOL_CALLS)).text(PythonJson.write(calls(message.toolCalls())));
        }
        if (!message.prefix()) {
            prompt.id(tokenizer.eosId());
        }
    }

    private static String withoutTrailingSpaces(String content) {
        int end = content.length();
        while (end > 0 && content.charAt(end - 1) == ' ') {
            end--;
        }
        return content.substring(0, end);
    }

    private static JsonNode tools(List<Tool> tools) {
        ArrayNode list = NODES.arrayNode();
        for (Tool tool : tools) {
            ObjectNode function = list.addObject().put("type", "function").putObject("function");
            function.put("name", tool.name()).put("description", tool.description());
            function.set("parameters", tool.parameters());
        }
        return list;
    }

    private static JsonNode calls(List<ToolCall> calls) {
        ArrayNode list = NODES.arrayNode();
        for (ToolCall call : calls) {
            ObjectNode object = list.addObject().put("name", call.name());
            object.set("arguments", jsonOrString(call.arguments()));
            if (!call.id().isEmpty()) {
                object.put("id", ToolCallIds.map(call.id()));
            }
        }
        return list;
    }

    private static JsonNode result(ToolMessage message) {
        ObjectNode object = NODES.objectNode();
        object.set("content", jsonOrString(message.content()));
        return object.put("call_id", ToolCallIds.map(message.toolCallId()));
    }

    /// What the text is as JSON, else the text itself as a string.
    private static JsonNode jsonOrString(String text) {
        if (text.isEmpty()) {
            return NODES.objectNode();
        }
        try {
            return PythonJson.read(text);
        } catch (JacksonException e) {
            return NODES.stringNode(text);
        }
    }
}
