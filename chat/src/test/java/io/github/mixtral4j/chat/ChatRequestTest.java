package io.github.mixtral4j.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Single quotes stand for double ones in the requests here.
class ChatRequestTest {
    @Test
    void readsEveryShapeOfMessage() {
        ChatRequest request = ChatRequest.read("""
                {"model": "m", "temperature": 0.5, "messages": [
                  {"role": "system", "content": "s", "name": "x"},
                  {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": ""},
                                               {"type": "text", "text": "b"}]},
                  {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
                    {"id": "1", "type": "function", "index": 0, "function": {"name": "f", "arguments": {"x": [1]}}},
                    {"id": null, "function": {"name": "g", "arguments": "{\\"y\\":2}"}},
                    {"function": {"name": "h"}}]},
                  {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r"}]},
                  {"role": "assistant", "content": "p", "tool_calls": null, "prefix": true}],
                 "tools": null}""");
        assertThat(request.messages())
                .containsExactly(
                        new SystemMessage("s"),
                        new UserMessage("a\n\nb"),
                        new AssistantMessage(List.of(
                                new ToolCall("1", "f", "{\"x\": [1]}"),
                                new ToolCall("", "g", "{\"y\":2}"),
                                new ToolCall("", "h", ""))),
                        new ToolMessage("r", "1"),
                        new AssistantMessage("p", List.of(), true));
        assertThat(request.tools()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "[]|request: expected an object with messages, got []",
                "{}|messages: expected a list, got nothing",
                "{'messages': 'x'}|messages: expected a list, got 'x'",
                "{'messages': [1]}|messages[0]: expected an object with role and content, got 1",
                "{'messages': [{'content': 'x'}]}|messages[0].role: expected a string, got nothing",
                "{'messages': [{'role': 'developer'}]}"
                        + "|messages[0].role: expected system, user, assistant or tool, got 'developer'",
                "{'messages': [{'role': 'user', 'content': null}]}"
                        + "|messages[0].content: expected a string or a list of text parts, got null",
                "{'messages': [{'role': 'user', 'content': [{'type': 'image_url'}]}]}"
                        + "|messages[0].content[0].type: expected text, which is all that Mixtral reads, got 'image_url'",
                "{'messages': [{'role': 'tool', 'content': 'x'}]}"
                        + "|messages[0].tool_call_id: expected a string, got nothing",
                "{'messages': [{'role': 'tool', 'content': 'x', 'tool_call_id': '1', 'name': 'a b'}]}"
                        + "|messages[0].name: expected 1 to 64 letters, digits, underscores and dashes, got 'a b'",
                "{'messages': [{'role': 'assistant', 'tool_calls': [{'function': {'name': 'f', 'arguments': [1]}}]}]}"
                        + "|messages[0].tool_calls[0].function.arguments: expected an object, or a string with one, got [1]",
                "{'messages': [{'role': 'assistant', 'tool_calls': [{'type': 'x', 'function': {}}]}]}"
                        + "|messages[0].tool_calls[0].type: expected function, got 'x'",
                "{'messages': [], 'tools': [{}]}|tools[0].function: expected an object with a name, got nothing",
                "{'messages': [], 'tools': [{'function': {'name': 'f', 'parameters': 1}}]}"
                        + "|tools[0].function.parameters: expected a JSON Schema object, got 1",
                "{'messages': [{'role': 'user', 'content': 'x'}], 'continue_final_message': true}"
                        + "|continue_final_message: the last message must be from assistant to be continued",
            })
    void namesTheFieldOfTheWrongForm(String request, String message) {
        assertThatThrownBy(() -> ChatRequest.read(request.replace('\'', '"')))
                .isInstanceOf(ChatRequestException.class)
                .hasMessage(message.replace('\'', '"'));
    }

    @Test
    void endlessNamesAreShownInPart() {
        assertThatThrownBy(() -> RequestRules.checkName("\u001b" + "x".repeat(10_000), "name"))
                .isInstanceOf(ChatRequestException.class)
                .hasMessage("name: expected 1 to 64 letters, digits, underscores and dashes, got \"\\u001b"
                        + "x".repeat(54) + "…\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "|messages: expected at least one message",
                "assistant:a|messages[0]: a single message must be from user or system, got assistant",
                "user:a assistant:b"
                        + "|messages[1]: the last message must be from user or tool, or from assistant with 'prefix': true",
                "user:a tool:b|messages[1]: a message from tool cannot follow one from user",
                "user:a assistant:b system:c user:d|messages[2]: a message from system cannot follow one from assistant",
                "user:a assistant:call assistant:b user:c"
                        + "|messages[1]: expected as many tool messages as tool calls, got 0 for 1",
                "user:a assistant:call tool:b tool:c"
                        + "|messages[3]: expected as many tool messages as tool calls, got 2 for 1",
                "user:a assistant: user:b|messages[1]: expected content or tool_calls, got neither",
                "user:a assistant:prefix user:b|messages[1].prefix: only the last message can be continued",
                "user:a assistant:b assistant:call tool:c|messages[2]: tool_calls cannot follow content from the assistant;"
                        + " a message from user or tool must be between",
            })
    void namesTheMessageThatBreaksARule(String roles, String message) {
        List<Message> messages = roles == null
                ? List.of()
                : List.of(roles.split(" ")).stream()
                        .map(ChatRequestTest::message)
                        .toList();
        assertThatThrownBy(() -> ChatFormat.of(Tiny.V3).render(new ChatRequest(messages)))
                .isInstanceOf(ChatRequestException.class)
                .hasMessage(message.replace('\'', '"'));
    }

    private static Message message(String text) {
        String content = text.substring(text.indexOf(':') + 1);
        List<ToolCall> calls = content.equals("call") ? List.of(new ToolCall("1", "f", "{}")) : List.of();
        return switch (text.substring(0, text.indexOf(':'))) {
            case "system" -> new SystemMessage(content);
            case "user" -> new UserMessage(content);
            case "tool" -> new ToolMessage(content, "1");
            default -> new AssistantMessage(calls.isEmpty() ? content : "", calls, content.equals("prefix"));
        };
    }

    @Test
    void aUserMaySpeakRightAfterATool() {
        List<Message> messages = List.of("user:a", "assistant:call", "tool:b", "user:c").stream()
                .map(ChatRequestTest::message)
                .toList();
        assertThat(ChatFormat.of(Tiny.V3).render(new ChatRequest(messages)).text())
                .endsWith("[INST]▁c[/INST]");
    }

    @Test
    void v1SaysThatItHasNoTools() {
        String problem = ": chat format v1 (Mixtral 8x7B) has no tools; they need v3 (8x22B Instruct)";
        assertThatThrownBy(() -> Tiny.v1(
                        "{'messages': [{'role': 'user', 'content': 'x'}], 'tools': [{'function': {'name': 'f'}}]}"))
                .isInstanceOf(ChatRequestException.class)
                .hasMessage("tools" + problem);
        List<Message> messages = List.of("user:a", "assistant:call", "tool:b").stream()
                .map(ChatRequestTest::message)
                .toList();
        assertThatThrownBy(() -> ChatFormat.of(Tiny.V1).render(new ChatRequest(messages)))
                .isInstanceOf(ChatRequestException.class)
                .hasMessage("messages[1]" + problem);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{'type': 'object', 'properties': {'a': {'type': ['string', 'null'], 'minLength': 2.0}, 'b': true}}",
                "{'required': [], 'enum': [1], 'items': [{}], 'x-mine': 1, 'const': 1, 'default': {}}",
                "{'definitions': {'a': {'anyOf': [{}, false]}}, '$ref': '#/definitions/a', 'dependencies': {'a': ['b']}}",
            })
    void takesParametersThatAreAJsonSchema(String parameters) {
        assertThat(Tiny.v3(withParameters(parameters))).contains("[AVAILABLE_TOOLS]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '#',
            value = {
                "{'type': 'text'}|type: expected one of array, boolean, integer, null, number, object, string, or a list of"
                        + " them, got 'text'",
                "{'properties': {'a': 1}}|properties.a: expected a schema (an object or a boolean), got 1",
                "{'properties': {'a': {'minLength': -1}}}"
                        + "|properties.a.minLength: expected an integer of at least 0, got -1",
                "{'required': ['a', 'a']}|required: expected a list of different names, got ['a', 'a']",
                "{'anyOf': []}|anyOf: expected a list of at least one schema, got []",
                "{'items': [{'maximum': '1'}]}|items[0].maximum: expected a number, got '1'",
                "{'multipleOf': 0}|multipleOf: expected a number greater than 0, got 0",
                "{'dependencies': {'a': 1}}|dependencies.a: expected a schema (an object or a boolean), got 1",
            })
    void namesThePlaceWhereParametersAreNoJsonSchema(String parameters, String message) {
        assertThatThrownBy(() -> Tiny.v3(withParameters(parameters)))
                .isInstanceOf(ChatRequestException.class)
                .hasMessage("tools[0].function.parameters." + message.replace('\'', '"'));
    }

    private static String withParameters(String parameters) {
        return "{'messages': [{'role': 'user', 'content': 'x'}], 'tools': [{'function': {'name': 'f', 'parameters': "
                + parameters + "}}]}";
    }

    @Test
    void damagedRequestsAreRefusedOrReadNeverWorse() {
        String request = """
                {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [
                {"id": "1", "function": {"name": "f", "arguments": {"a": [1.5, null]}}}]},
                {"role": "tool", "tool_call_id": "1", "content": "22"}],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}""";
        Random random = new Random(9);
        for (int i = 0; i < 2000; i++) {
            StringBuilder damaged = new StringBuilder(request);
            for (int k = random.nextInt(3); k >= 0; k--) {
                damaged.setCharAt(random.nextInt(damaged.length()), "\"{}[]:,01a\\n ".charAt(random.nextInt(13)));
            }
            damaged.setLength(random.nextInt(4) == 0 ? random.nextInt(damaged.length()) : damaged.length());
            try {
                ChatFormat.of(Tiny.V3).render(ChatRequest.read(damaged.toString()));
            } catch (ChatRequestException e) {
                assertThat(e).hasMessageStartingWith(e.param() + ": ");
            }
        }
    }
}
