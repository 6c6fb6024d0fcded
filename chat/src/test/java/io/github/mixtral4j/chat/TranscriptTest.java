package io.github.mixtral4j.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tokenizer.Tokenizer;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TranscriptTest {
    @Test
    void repliesAreWhatTheModelWouldHaveWritten() {
        String request = """
                {'messages': [{'role': 'system', 'content': 'be kind'}, {'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'content': 'b  '}, {'role': 'user', 'content': 'c'},
                 {'role': 'assistant', 'content': 'd'}]}""";
        assertThat(replies(Tiny.V3, request)).containsExactly("▁b</s>", "▁d</s>");
        assertThat(replies(Tiny.V1, request)).containsExactly("▁b▁▁</s>", "▁d</s>");
    }

    @Test
    void callsAtTheEndAreAReplyToLearn() {
        assertThat(replies(Tiny.V3, """
                {'messages': [{'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'tool_calls': [{'id': '123456789', 'function': {'name': 'f'}}]}]}"""))
                .containsExactly("[TOOL_CALLS]▁[{\"name\":▁\"f\",▁\"arguments\":▁{},▁\"id\":▁\"123456789\"}]</s>");
    }

    @Test
    void aTranscriptBeginsAsThePromptOfItsLastReply() {
        String turns = "{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'},"
                + " {'role': 'user', 'content': 'c'}";
        Transcript transcript =
                transcript(Tiny.V3, "{'messages': [" + turns + ", {'role': 'assistant', 'content': 'd'}]}");
        int[] prompt = ChatFormat.of(Tiny.V3)
                .render(ChatRequest.read(("{'messages': [" + turns + "]}").replace('\'', '"')))
                .ids();
        assertThat(transcript.replies().getLast().from()).isEqualTo(prompt.length);
        assertThat(transcript.ids()).startsWith(prompt);
    }

    @Test
    void onlyACompleteReplyEndsATranscript() {
        String problem = "the last message must be a complete one from assistant, to learn from";
        assertThatThrownBy(() -> transcript(Tiny.V3, "{'messages': [{'role': 'user', 'content': 'a'}]}"))
                .isInstanceOf(ChatRequestException.class)
                .hasMessage("messages[0]: " + problem);
        assertThatThrownBy(() -> transcript(Tiny.V1, """
                {'messages': [{'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'content': 'b', 'prefix': true}]}""")).hasMessage("messages[1]: " + problem);
        assertThatThrownBy(() -> transcript(Tiny.V1, "{'messages': []}"))
                .hasMessage("messages: expected at least one message");
        assertThatThrownBy(() -> transcript(Tiny.V3, """
                {'messages': [{'role': 'user', 'content': 'a'},
                 {'role': 'assistant', 'tool_calls': [{'function': {'name': 'f'}}]},
                 {'role': 'user', 'content': 'b'}, {'role': 'assistant', 'content': 'c'}]}"""))
                .hasMessage("messages[1]: expected as many tool messages as tool calls, got 0 for 1");
    }

    private static List<String> replies(Tokenizer tokenizer, String request) {
        Transcript transcript = transcript(tokenizer, request);
        return transcript.replies().stream()
                .map(span -> {
                    StringBuilder text = new StringBuilder();
                    for (int i = span.from(); i < span.to(); i++) {
                        text.append(tokenizer.piece(transcript.ids()[i]));
                    }
                    return text.toString();
                })
                .toList();
    }

    private static Transcript transcript(Tokenizer tokenizer, String request) {
        return ChatFormat.of(tokenizer).transcript(ChatRequest.read(request.replace('\'', '"')));
    }
}
