package io.github.mixtral4j.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplyParserTest {
    private static final ChatFormat V3 = ChatFormat.of(Tiny.V3);
    private static final int TOOL_CALLS = 5;
    private static final int EOS = 2;

    @Test
    void contentIsTheDecodedTextWithoutControlPieces() {
        Reply reply = V3.parse(ids("hi there", EOS));
        assertThat(reply.content()).isEqualTo("hi there");
        assertThat(reply.toolCalls()).isEmpty();
        assertThat(reply.problem()).isEmpty();
        assertThat(ChatFormat.of(Tiny.V1).parse(Tiny.V1.encode("hi there")).content())
                .isEqualTo("hi there");
    }

    @Test
    void readsSeveralToolCallsAndKeepsIdsThatFit() {
        Reply reply = parseCalls("""
                [{"name": "f", "arguments": {"a": 1.0, "b": [true]}, "id": "abc123XYZ"},
                 {"name": "g", "arguments": "{}", "id": "call_1"}, {"name": "h"}]""");
        assertThat(reply.problem()).isEmpty();
        assertThat(reply.content()).isEmpty();
        assertThat(reply.toolCalls()).hasSize(3);
        assertThat(reply.toolCalls().get(0)).isEqualTo(new ToolCall("abc123XYZ", "f", "{\"a\": 1.0, \"b\": [true]}"));
        assertThat(reply.toolCalls().get(1).arguments()).isEqualTo("{}");
        assertThat(reply.toolCalls().get(2).arguments()).isEqualTo("{}");
        assertThat(reply.toolCalls()).allMatch(call -> call.id().matches("[a-zA-Z0-9]{9}"));
        assertThat(reply.toolCalls().stream().map(ToolCall::id)).doesNotHaveDuplicates();
    }

    @Test
    void idsWithoutAPieceAddNothing() {
        assertThat(V3.parse(ids("hi there", Tiny.V3.vocabSize())).content()).isEqualTo("hi there");
        Reply calls = V3.parse(IntStream.concat(
                        IntStream.of(Tiny.V3.vocabSize(), TOOL_CALLS),
                        IntStream.of(ids("[{\"name\": \"f\"}]", Integer.MAX_VALUE)))
                .toArray());
        assertThat(calls.toolCalls()).hasSize(1);
    }

    @Test
    void idsComeFromTheGivenRandom() {
        assertThat(idFrom(new Random(1))).isEqualTo(idFrom(new Random(1))).isNotEqualTo(idFrom(new Random(2)));
    }

    private static String idFrom(Random random) {
        ReplyParser parser = V3.replyParser(random);
        parser.push(TOOL_CALLS);
        IntStream.of(Tiny.V3.encode("[{\"name\": \"f\"}]")).forEach(parser::push);
        return parser.finish().toolCalls().getFirst().id();
    }

    @Test
    void contentBeforeTheCallsStaysContent() {
        int[] calls = Tiny.V3.encode("[{\"name\": \"f\", \"arguments\": {}}]");
        Reply reply = V3.parse(IntStream.concat(IntStream.of(ids("wait", TOOL_CALLS)), IntStream.of(calls))
                .toArray());
        assertThat(reply.content()).isEqualTo("wait");
        assertThat(reply.toolCalls()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[{\"name\": \"f\"|not JSON: ",
                "hello|not JSON: ",
                "[]|expected a list of calls",
                "{\"name\": \"f\"}|expected a list of calls",
                "[{\"name\": \"f\"}, {\"arguments\": {}}]|call 1 has no name",
                "[1]|call 0 has no name",
                "[{\"name\": \"get weather\"}]|call 0 has a name that no function has",
                "[{\"name\": \"\"}]|call 0 has a name that no function has",
                "[{\"name\": \"f\"}] and more|not JSON: ",
            })
    void brokenCallsAreContentWithTheProblemStated(String calls, String problem) {
        Reply reply = parseCalls(calls);
        assertThat(reply.content()).isEqualTo(calls);
        assertThat(reply.toolCalls()).isEmpty();
        assertThat(reply.problem())
                .hasValueSatisfying(text -> assertThat(text).startsWith("tool calls taken as content: " + problem));
    }

    @Test
    void halvesOfCharactersInArgumentsAreReplaced() {
        Reply reply = parseCalls("[{\"name\": \"f\", \"arguments\": {\"a\": \"\\ud83d\"}}]");
        assertThat(reply.toolCalls().getFirst().arguments()).isEqualTo("{\"a\": \"?\"}");
    }

    @Test
    void contentBeginsWithWhatThePushesReturnedForRandomIds() {
        Random random = new Random(6);
        for (int i = 0; i < 2000; i++) {
            List<Integer> ids = new ArrayList<>();
            for (int k = random.nextInt(15); k > 0; k--) {
                ids.add(
                        switch (random.nextInt(8)) {
                            case 0 -> TOOL_CALLS;
                            case 1 -> random.nextInt(10);
                            case 2 -> 771 + random.nextInt(256);
                            default -> random.nextInt(Tiny.V3.vocabSize());
                        });
            }
            ReplyParser parser = V3.replyParser();
            StringBuilder pushed = new StringBuilder();
            ids.forEach(id -> pushed.append(parser.push(id)));
            Reply reply = parser.finish();
            assertThat(reply.content()).as(ids.toString()).startsWith(pushed.toString());
            if (!ids.contains(TOOL_CALLS)) {
                assertThat(reply.content())
                        .isEqualTo(Tiny.V3.decode(
                                ids.stream().mapToInt(Integer::intValue).toArray()));
            }
        }
    }

    @Test
    void theMarkSpelledInTextCountsAtTheStartOnlyHoweverItIsCut() {
        String calls = " \n[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}, \"id\": \"123456789\"}]";
        for (int cut = 0; cut <= calls.length(); cut++) {
            ReplyParser parser = V3.replyParser();
            assertThat(parser.push(calls.substring(0, cut)) + parser.push(calls.substring(cut)))
                    .isEmpty();
            assertThat(parser.finish().toolCalls()).containsExactly(new ToolCall("123456789", "f", "{}"));
        }
        assertThat(V3.parse("I say [TOOL_CALLS] []").content()).isEqualTo("I say [TOOL_CALLS] []");
        assertThat(V3.parse(" [TOOL_").content()).isEqualTo(" [TOOL_");
        assertThat(V3.parse("").content()).isEmpty();
        assertThat(ChatFormat.of(Tiny.V1).parse("[TOOL_CALLS] []").content()).isEqualTo("[TOOL_CALLS] []");
    }

    @Test
    void theMarkSpelledByIdsOfPlainTextIsContent() {
        Reply reply = V3.parse(Tiny.V3.encode("[TOOL_CALLS] [{\"name\": \"f\"}]"));
        assertThat(reply.content()).isEqualTo("[TOOL_CALLS] [{\"name\": \"f\"}]");
        assertThat(reply.toolCalls()).isEmpty();
    }

    private static Reply parseCalls(String json) {
        return V3.parse(IntStream.concat(
                        IntStream.of(TOOL_CALLS),
                        IntStream.concat(IntStream.of(Tiny.V3.encode(json)), IntStream.of(EOS)))
                .toArray());
    }

    private static int[] ids(String text, int last) {
        return IntStream.concat(IntStream.of(Tiny.V3.encode(text)), IntStream.of(last))
                .toArray();
    }
}
