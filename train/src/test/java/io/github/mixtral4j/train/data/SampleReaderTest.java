package io.github.mixtral4j.train.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.SampleReader.Line;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class SampleReaderTest {
    private static final String TOOLS =
            "[AVAILABLE_TOOLS]▁[{\"type\":▁\"function\",▁\"function\":▁{\"name\":▁\"f\",▁\"description\":▁\"\",▁"
                    + "\"parameters\":▁{}}}][/AVAILABLE_TOOLS]";

    @Test
    void aTextIsLearntWhole() {
        assertThat(show(TestData.reader(100), "{'text': 'a b'}")).containsExactly("⟨<s>▁a▁b</s>⟩");
    }

    @Test
    void aLongTextBecomesSeveralSamplesAndLosesNothing() {
        Line line = read(TestData.reader(4), "{'text': '1 2 3'}");
        assertThat(line.cut()).isFalse();
        assertThat(show(line)).containsExactly("⟨<s>▁1▁⟩", "⟨2▁3</s>⟩");
        // One token alone would predict nothing.
        assertThat(show(TestData.reader(7), "{'text': '1 2 3'}")).containsExactly("⟨<s>▁1▁2▁3⟩");
    }

    @Test
    void aConversationIsLearntWhereTheAssistantSpeaks() {
        String conversation = """
                {'messages': [{'role': 'system', 'content': 's'}, {'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'content': 'b', 'weight': %s}, {'role': 'user', 'content': 'c'},
                 {'role': 'assistant', 'content': 'd'}]}""";
        assertThat(show(TestData.reader(100), conversation.formatted("1")))
                .containsExactly("<s>[INST]▁a[/INST]⟨▁b</s>⟩[INST]▁s<0x0A><0x0A>c[/INST]⟨▁d</s>⟩");
        assertThat(show(TestData.reader(100), conversation.formatted("0")))
                .containsExactly("<s>[INST]▁a[/INST]▁b</s>[INST]▁s<0x0A><0x0A>c[/INST]⟨▁d</s>⟩");
    }

    @Test
    void callsAndToolsAreRenderedAsTheModelSeesThem() {
        String conversation = """
                {'messages': [{'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'tool_calls': [{'id': '123456789', 'type': 'function',
                  'function': {'name': 'f', 'arguments': '{}'}}] %s}, {'role': 'tool', 'tool_call_id': '123456789',
                  'content': '3'}, {'role': 'assistant', 'content': 'b'}],
                 'tools': [{'type': 'function', 'function': {'name': 'f', 'description': '', 'parameters': {}}}]}""";
        String call = "[TOOL_CALLS]▁[{\"name\":▁\"f\",▁\"arguments\":▁{},▁\"id\":▁\"123456789\"}]</s>";
        String expected = "<s>" + TOOLS + "[INST]▁a[/INST]%s[TOOL_RESULTS]▁{\"content\":▁3,"
                + "▁\"call<0x5F>id\":▁\"123456789\"}[/TOOL_RESULTS]⟨▁b</s>⟩";
        assertThat(show(TestData.reader(1000), conversation.formatted("")))
                .as("the last turn alone, as nothing is said")
                .containsExactly(expected.formatted(call));
        assertThat(show(TestData.reader(1000), conversation.formatted(", 'weight': 1")))
                .containsExactly(expected.formatted("⟨" + call + "⟩"));
    }

    @Test
    void turnsThatDidNotSeeTheToolsAreNotLearntAndIdsOfTheLastCallsNeither() {
        assertThat(show(TestData.reader(1000), """
                {'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'},
                 {'role': 'user', 'content': 'c'}, {'role': 'assistant', 'tool_calls': [{'id': '123456789',
                  'type': 'function', 'function': {'name': 'f', 'arguments': '{}'}}]}],
                 'tools': [{'type': 'function', 'function': {'name': 'f', 'description': '', 'parameters': {}}}]}"""))
                .containsExactly("<s>[INST]▁a[/INST]▁b</s>" + TOOLS
                        + "[INST]▁c[/INST]⟨[TOOL_CALLS]▁[{\"name\":▁\"f\",▁\"arguments\":▁{}}]</s>⟩");
    }

    @Test
    void keysWithoutAValueAreAbsent() {
        assertThat(show(
                        TestData.reader(100),
                        "{'text': null, 'tools': null, 'messages': [{'role': 'user', 'content':"
                                + " 'a'}, {'role': 'assistant', 'content': 'b'}]}"))
                .containsExactly("<s>[INST]▁a[/INST]⟨▁b</s>⟩");
    }

    @Test
    void aLongConversationLosesItsEnd() {
        String conversation =
                "{'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b b b b'}]}";
        Line line = read(TestData.reader(7), conversation);
        assertThat(line.cut()).isTrue();
        assertThat(show(line)).hasSize(1).first().asString().startsWith("<s>[INST]▁a[/INST]⟨▁b");
        assertThat(read(TestData.reader(4), conversation)).isEqualTo(new Line(List.of(), true));
    }

    @Test
    void aPreferenceIsTwoSamplesThatDifferInTheReply() {
        List<String> expected = List.of("<s>[INST]▁a[/INST]⟨▁b</s>⟩", "<s>[INST]▁a[/INST]⟨▁c</s>⟩");
        assertThat(show(TestData.pairs(100), "{'prompt': 'a', 'chosen': 'b', 'rejected': 'c'}"))
                .isEqualTo(expected);
        assertThat(show(TestData.pairs(100), """
                {'prompt': [{'role': 'user', 'content': 'a'}], 'chosen': {'role': 'assistant', 'content': 'b'},
                 'rejected': [{'role': 'assistant', 'content': 'c'}]}""")).isEqualTo(expected);
    }

    @Test
    void aPreferenceMaySayItsPromptAgain() {
        assertThat(show(TestData.pairs(100), """
                {'prompt': 'a', 'chosen': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'}],
                 'rejected': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'c'}]}"""))
                .isEqualTo(List.of("<s>[INST]▁a[/INST]⟨▁b</s>⟩", "<s>[INST]▁a[/INST]⟨▁c</s>⟩"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {'text': 3}                         | text: expected a string, found NUMBER
            {'text': 'a', 'text': 'b'}          | not JSON: Duplicate Object property "text"
            {}                                  | line: expected "text", or "messages"
            {'conversations': [], 'id': 3}      | line: expected "text", or "messages", found "conversations", "id"
            {'text': 'a', 'messages': []}       | text: stands beside "messages"; a line is one of them
            {'system_prompt': 's', 'messages': []} | system_prompt: is not read; begin "messages" with a message from system
            {'available_tools': [], 'messages': []} | available_tools: is not read; name them "tools"
            []                                  | expected a JSON object, found ARRAY
            {'text': 'a'                        | not JSON: Unexpected end-of-input: expected close marker for Object
            {'text': 'a'} {}                    | expected one JSON object, found more after it
            {'prompt': 'a', 'chosen': 'b'}      | line: a preference; it needs "objective: dpo" in the config
            {'messages': 3}                     | messages: expected a list, got 3
            {'messages': []}                    | messages: expected at least one message
            {'messages': [{'role': 'x'}]}       | messages[0].role: expected system, user, assistant or tool, got "x"
            {'messages': [{'role': 'user', 'content': 'a'}]} | messages[0]: the last message must be a complete one from assistant, to learn from
            {'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b', 'weight': 0.5}]} | messages[1].weight: expected 0 or 1, got 0.5
            """)
    void saysWhatIsWrongWithALine(String json, String message) {
        assertThatThrownBy(() -> read(TestData.reader(100), json))
                .isInstanceOf(TrainException.class)
                .hasMessage("a.jsonl:7: " + message);
    }

    @Test
    void saysWhatIsWrongWithAPreference() {
        assertThatThrownBy(() -> read(TestData.pairs(100), "{'text': 'a'}"))
                .hasMessage(
                        "a.jsonl:7: line: expected \"prompt\", \"chosen\" and \"rejected\", because the objective is"
                                + " dpo");
        assertThatThrownBy(() -> read(TestData.pairs(100), "{'prompt': 'a', 'chosen': 'b', 'rejected': 'b'}"))
                .hasMessage("a.jsonl:7: chosen: is the same as rejected; there is nothing to prefer");
        assertThatThrownBy(() -> read(TestData.pairs(100), "{'prompt': 'a', 'chosen': 1, 'rejected': 'b'}"))
                .hasMessage("a.jsonl:7: chosen: expected a string or messages, found NUMBER");
        assertThatThrownBy(() -> read(TestData.pairs(100), "{'prompt': 'a', 'chosen': '', 'rejected': 'b'}"))
                .hasMessage("a.jsonl:7: prompt and chosen: messages[1]: expected content or tool_calls, got neither");
    }

    @Test
    void repliesOfAPreferenceBeginWithTheAssistantOrTheVerySamePrompt() {
        assertThatThrownBy(() -> read(TestData.pairs(100), """
                {'prompt': 'a ', 'chosen': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'}],
                 'rejected': 'c'}"""))
                .hasMessage("a.jsonl:7: chosen: begins with a message from user that is not the prompt's; give the"
                        + " reply alone, or the very same prompt before it");
    }

    @Test
    void allThatTheAssistantSaysInAReplyOfAPreferenceIsCompared() {
        assertThat(show(TestData.pairs(1000), """
                {'prompt': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'},
                 {'role': 'user', 'content': 'c'}],
                 'chosen': [{'role': 'assistant', 'content': 'd'}, {'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'content': 'b'}], 'rejected': 'e'}"""))
                .containsExactly(
                        "<s>[INST]▁a[/INST]▁b</s>[INST]▁c[/INST]⟨▁d</s>⟩[INST]▁a[/INST]⟨▁b</s>⟩",
                        "<s>[INST]▁a[/INST]▁b</s>[INST]▁c[/INST]⟨▁e</s>⟩");
    }

    private static Line read(SampleReader reader, String json) {
        return reader.read(json.replace('\'', '"'), "a.jsonl:7");
    }

    private static List<String> show(SampleReader reader, String json) {
        return show(read(reader, json));
    }

    private static List<String> show(Line line) {
        return line.units().stream().flatMap(List::stream).map(TestData::show).toList();
    }
}
