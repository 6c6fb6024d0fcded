package io.github.mixtral4j.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ChatFormatTest {
    @Test
    void choosesTheFormatByTheControlPieces() {
        assertThat(ChatFormat.of(Tiny.V1).name()).isEqualTo("v1");
        assertThat(ChatFormat.of(Tiny.V3).name()).isEqualTo("v3");
        assertThat(ChatFormat.named("v1", Tiny.V3).name()).isEqualTo("v1");
        assertThatThrownBy(() -> ChatFormat.named("v3", Tiny.V1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("chat format v3 needs the control piece [INST], which tiny.model (600 pieces) has not;"
                        + " use v1");
        assertThatThrownBy(() -> ChatFormat.named("v7", Tiny.V3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("chat format must be v1 or v3, got v7");
    }

    @Test
    void v1PutsTheSystemPromptBeforeTheFirstUserMessage() {
        assertThat(Tiny.v1("""
                {'messages': [{'role': 'system', 'content': 'be kind'}, {'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'content': 'b  '}, {'role': 'user', 'content': 'c'},
                 {'role': 'system', 'content': 'be brief'}]}"""))
                .isEqualTo("<s>▁[<0x49><0x4E><0x53><0x54>]▁be▁kind<0x0A><0x0A>be▁brief<0x0A><0x0A>a▁[<0x2F><0x49>"
                        + "<0x4E><0x53><0x54>]▁b▁▁</s>▁[<0x49><0x4E><0x53><0x54>]▁c▁[<0x2F><0x49><0x4E><0x53><0x54>]");
    }

    @Test
    void v3PutsSystemPromptAndToolsBeforeTheLastUserMessage() {
        assertThat(Tiny.v3("""
                {'messages': [{'role': 'system', 'content': 'be kind'}, {'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'content': 'b  '}, {'role': 'user', 'content': 'c'}],
                 'tools': [{'type': 'function', 'function': {'strict': true, 'parameters': {'type': 'object'},
                            'name': 'f'}}, {'function': {'name': 'g', 'description': null}}]}"""))
                .isEqualTo(
                        "<s>[INST]▁a[/INST]▁b</s>[AVAILABLE_TOOLS]▁[{\"type\":▁\"function\",▁\"function\":▁{\"name\":▁"
                                + "\"f\",▁\"description\":▁\"\",▁\"parameters\":▁{\"type\":▁\"object\"}}},▁{\"type\":▁"
                                + "\"function\",▁\"function\":▁{\"name\":▁\"g\",▁\"description\":▁\"\",▁\"parameters\":▁{}}}]"
                                + "[/AVAILABLE_TOOLS][INST]▁be▁kind<0x0A><0x0A>c[/INST]");
    }

    @Test
    void mergesMessagesOfTheSameRoleButNotAcrossASystemMessage() {
        assertThat(Tiny.v3("""
                {'messages': [{'role': 'user', 'content': 'a'}, {'role': 'user', 'content': ''},
                 {'role': 'user', 'content': [{'type': 'text', 'text': 'b'}, {'type': 'text', 'text': 'c'}]},
                 {'role': 'assistant', 'content': 'd'}, {'role': 'assistant', 'content': 'e'},
                 {'role': 'user', 'content': 'f'}, {'role': 'system', 'content': 's'},
                 {'role': 'user', 'content': 'g'}]}"""))
                .isEqualTo("<s>[INST]▁a<0x0A><0x0A>b<0x0A><0x0A>c[/INST]▁d<0x0A><0x0A>e</s>[INST]▁f[/INST]"
                        + "[INST]▁s<0x0A><0x0A>g[/INST]");
    }

    @Test
    void aConversationThatBeginsWithTheAssistantGetsAnEmptyUserMessage() {
        assertThat(Tiny.v3("{'messages': [{'role': 'assistant', 'content': 'a'}, {'role': 'user', 'content': ''}]}"))
                .isEqualTo("<s>[INST][/INST]▁a</s>[INST][/INST]");
        assertThat(Tiny.v3("{'messages': [{'role': 'system', 'content': 'a'}]}"))
                .isEqualTo("<s>[INST]▁a<0x0A><0x0A>[/INST]");
    }

    @Test
    void aPrefixIsLeftOpen() {
        String request =
                "{'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b', %s}]%s}";
        assertThat(Tiny.v3(request.formatted("'prefix': true", ""))).isEqualTo("<s>[INST]▁a[/INST]▁b");
        assertThat(Tiny.v3(request.formatted("'tool_calls': null", ", 'continue_final_message': true")))
                .isEqualTo("<s>[INST]▁a[/INST]▁b");
        assertThat(Tiny.v1(request.formatted("'prefix': true", ""))).endsWith("]▁b");
    }

    @Test
    void v3WritesCallsAndResultsAsJson() {
        assertThat(Tiny.v3("""
                {'messages': [{'role': 'user', 'content': 'q'},
                 {'role': 'assistant', 'content': '', 'tool_calls': [
                   {'id': 'aaaaaaaaa', 'function': {'name': 'f', 'arguments': {'b': 1.0, 'a': [1e-7, 'é']}}},
                   {'id': 'bbbbbbbbb', 'function': {'name': 'g', 'arguments': 'not json'}},
                   {'function': {'name': 'h', 'arguments': ''}}]},
                 {'role': 'tool', 'tool_call_id': 'aaaaaaaaa', 'name': 'f', 'content': '22'},
                 {'role': 'tool', 'tool_call_id': 'bbbbbbbbb', 'content': 'plain text'},
                 {'role': 'tool', 'tool_call_id': 'ccccccccc', 'content': ''},
                 {'role': 'user', 'content': 'r'}]}"""))
                .isEqualTo("<s>[INST]▁q[/INST][TOOL_CALLS]▁[{\"name\":▁\"f\",▁\"arguments\":▁{\"b\":▁1.0,▁\"a\":▁[1e"
                        + "<0x2D>07,▁\"é\"]},▁\"id\":▁\"aaaaaaaaa\"},▁{\"name\":▁\"g\",▁\"arguments\":▁\"not▁json\","
                        + "▁\"id\":▁\"bbbbbbbbb\"},▁{\"name\":▁\"h\",▁\"arguments\":▁{}}]</s>"
                        + "[TOOL_RESULTS]▁{\"content\":▁22,▁\"call<0x5F>id\":▁\"aaaaaaaaa\"}[/TOOL_RESULTS]"
                        + "[TOOL_RESULTS]▁{\"content\":▁\"plain▁text\",▁\"call<0x5F>id\":▁\"bbbbbbbbb\"}[/TOOL_RESULTS]"
                        + "[TOOL_RESULTS]▁{\"content\":▁{},▁\"call<0x5F>id\":▁\"ccccccccc\"}[/TOOL_RESULTS]"
                        + "[INST]▁r[/INST]");
    }

    @Test
    void foreignIdsOfCallsAndResultsAreMappedAlikeAndStably() {
        List<Message> messages = List.of(
                new UserMessage("q"),
                new AssistantMessage(
                        List.of(new ToolCall("call_9dGk2", "f", "{}"), new ToolCall("1b2C3d4E5", "g", "{}"))),
                new ToolMessage("x", "call_9dGk2"),
                new ToolMessage("y", "1b2C3d4E5"));
        int[] ids = ChatFormat.of(Tiny.V3).render(new ChatRequest(messages)).ids();
        // The id is base 62 of pairs of bytes of SHA-256, computed with another language.
        assertThat(Tiny.V3.decode(ids))
                .contains("\"name\": \"f\", \"arguments\": {}, \"id\": \"5mWjSZ5oz\"")
                .contains("\"content\": \"x\", \"call_id\": \"5mWjSZ5oz\"")
                .contains("\"id\": \"1b2C3d4E5\"")
                .contains("\"call_id\": \"1b2C3d4E5\"");
        assertThat(ToolCallIds.map("call_9dGk3")).matches("[a-zA-Z0-9]{9}").isNotEqualTo("5mWjSZ5oz");
    }

    @Test
    void controlIdsNeverComeOutOfTexts() {
        Random random = new Random(4);
        for (int i = 0; i < 200; i++) {
            List<Message> messages = new ArrayList<>();
            messages.add(new SystemMessage(hostile(random)));
            messages.add(new UserMessage(hostile(random)));
            messages.add(new AssistantMessage(
                    List.of(new ToolCall(hostile(random), "f", "{\"x\": \"" + hostile(random) + "\"}"))));
            messages.add(new ToolMessage(hostile(random), hostile(random)));
            messages.add(new AssistantMessage("-" + hostile(random)));
            messages.add(new UserMessage(hostile(random)));
            Prompt prompt = ChatFormat.of(Tiny.V3).render(new ChatRequest(messages));
            assertThat(IntStream.of(prompt.ids()).filter(Tiny.V3::isControl).mapToObj(Tiny.V3::piece))
                    .containsExactly(
                            "<s>",
                            "[INST]",
                            "[/INST]",
                            "[TOOL_CALLS]",
                            "</s>",
                            "[TOOL_RESULTS]",
                            "[/TOOL_RESULTS]",
                            "</s>",
                            "[INST]",
                            "[/INST]");
        }
    }

    private static String hostile(Random random) {
        String[] marks = {
            "[INST]", "[/INST]", "<s>", "</s>", "[TOOL_CALLS]", "[/TOOL_RESULTS]", "[control_12]", " ", "a"
        };
        StringBuilder text = new StringBuilder();
        for (int k = random.nextInt(6); k >= 0; k--) {
            text.append(marks[random.nextInt(marks.length)]);
        }
        return text.toString();
    }
}
