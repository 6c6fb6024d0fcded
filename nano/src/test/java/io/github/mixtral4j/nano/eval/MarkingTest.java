package io.github.mixtral4j.nano.eval;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.chat.Reply;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.nano.data.Expected;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class MarkingTest {
    private static final JsonMapper JSON = new JsonMapper();

    private static Reply said(String content) {
        return new Reply(content, List.of(), Optional.empty());
    }

    private static Reply called(ToolCall... calls) {
        return new Reply("", List.of(calls), Optional.empty());
    }

    @ParameterizedTest
    @CsvSource({
        "Lima., lima, true",
        "Lima, LIMA!, true",
        "Lima., Lima is it., false",
        "Où es-tu ?, Où es-tu?, true",
        "Lima., '', false"
    })
    void textsAreEqualApartFromCaseAndTheirLastMark(String expected, String reply, boolean right) {
        assertThat(Marking.isRight(new Expected.Text(expected), said(reply))).isEqualTo(right);
    }

    @ParameterizedTest
    @CsvSource({
        "3 + 4 = 7. Answer: 7, true",
        "Answer: 5. Answer: 7, true",
        "Answer: 77, false",
        "7, false",
        "Answer: 7777777777777777777777, false"
    })
    void theNumberAfterTheLastMarkCounts(String reply, boolean right) {
        assertThat(Marking.isRight(new Expected.Number(7), said(reply))).isEqualTo(right);
    }

    @Test
    void callsAreEqualInNameAndArgumentsWhateverTheirIdsAndSpaces() {
        Expected expected = new Expected.Calls(List.of(new ToolCall("", "f", "{\"a\": 1, \"b\": \"x\"}")));
        assertThat(Marking.isRight(expected, called(new ToolCall("abc", "f", "{\"b\":\"x\",\"a\":1}"))))
                .isTrue();
        assertThat(Marking.isRight(expected, called(new ToolCall("", "g", "{\"a\": 1, \"b\": \"x\"}"))))
                .isFalse();
        assertThat(Marking.isRight(expected, called(new ToolCall("", "f", "{\"a\": \"1\", \"b\": \"x\"}"))))
                .isFalse();
        assertThat(Marking.isRight(expected, called())).isFalse();
        assertThat(Marking.isRight(new Expected.Calls(List.of()), said("I have no function for that.")))
                .isTrue();
        Reply broken = new Reply("[{", List.of(), Optional.of("the calls are not JSON"));
        assertThat(Marking.isRight(new Expected.Calls(List.of()), broken)).isFalse();
    }

    @Test
    void jsonIsEqualAndFitsItsSchema() {
        JsonNode schema = JSON.readTree("""
                {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": ["string", "null"]}},
                 "required": ["n", "s"]}""");
        Expected expected = new Expected.Json(schema, JSON.readTree("{\"n\": 3, \"s\": null}"));
        assertThat(Marking.isRight(expected, said("{\"s\": null, \"n\": 3}"))).isTrue();
        assertThat(Marking.isRight(expected, said("{\"n\": 3}"))).isFalse();
        assertThat(Marking.isRight(expected, said("{\"n\": 3, \"s\": null"))).isFalse();
        assertThat(Marking.isRight(expected, said("Here: {\"n\": 3, \"s\": null}")))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"n\": 1, \"s\": null}             | true",
                "{\"n\": 1, \"s\": \"a\"}            | true",
                "{\"n\": 1.5, \"s\": null}           | false",
                "{\"n\": 1}                          | false",
                "{\"n\": 1, \"s\": null, \"t\": 2}   | false",
                "[1]                                 | false",
                "{\"n\": 1, \"s\": null, \"l\": [2]} | true",
                "{\"n\": 1, \"s\": null, \"l\": [9]} | false"
            })
    void schemasAreChecked(String value, boolean fits) {
        JsonNode schema = JSON.readTree("""
                {"type": "object", "required": ["n", "s"], "properties": {"n": {"type": "integer"},
                 "s": {"type": ["string", "null"]}, "l": {"type": "array", "items": {"enum": [1, 2]}}}}""");
        assertThat(SchemaCheck.fits(schema, JSON.readTree(value))).isEqualTo(fits);
    }
}
