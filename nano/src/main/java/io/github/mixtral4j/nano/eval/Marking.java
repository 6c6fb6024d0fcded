package io.github.mixtral4j.nano.eval;

import io.github.mixtral4j.chat.Reply;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.nano.data.Expected;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Whether a reply is right: exactly, with no marks for what is nearly so.
final class Marking {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Pattern ANSWER = Pattern.compile("Answer: (-?\\d{1,18})(?!\\d)");

    private Marking() {}

    static boolean isRight(Expected expected, Reply reply) {
        return switch (expected) {
            case Expected.Anything() -> true;
            case Expected.Text(String text) ->
                reply.toolCalls().isEmpty() && plain(reply.content()).equals(plain(text));
            case Expected.Number(long value) -> number(reply).equals(OptionalLong.of(value));
            case Expected.Calls(List<ToolCall> calls) -> sameCalls(calls, reply);
            case Expected.Json(JsonNode schema, JsonNode value) ->
                json(reply.content())
                        .filter(v -> v.equals(value) && SchemaCheck.fits(schema, v))
                        .isPresent();
        };
    }

    /// The number after the last mark.
    static OptionalLong number(Reply reply) {
        OptionalLong number = OptionalLong.empty();
        Matcher marks = ANSWER.matcher(reply.content());
        while (marks.find()) {
            number = OptionalLong.of(Long.parseLong(marks.group(1)));
        }
        return number;
    }

    private static boolean sameCalls(List<ToolCall> expected, Reply reply) {
        List<ToolCall> calls = reply.toolCalls();
        if (calls.size() != expected.size() || reply.problem().isPresent()) {
            return false;
        }
        for (int i = 0; i < calls.size(); i++) {
            boolean same = calls.get(i).name().equals(expected.get(i).name())
                    && json(calls.get(i).arguments())
                            .equals(json(expected.get(i).arguments()));
            if (!same) {
                return false;
            }
        }
        return true;
    }

    private static Optional<JsonNode> json(String text) {
        try {
            return Optional.of(JSON.readTree(text));
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    /// The text without what does not matter: case, spaces around it, and the mark at its end.
    private static String plain(String text) {
        return text.strip().toLowerCase(Locale.ROOT).replaceFirst("\\s*[.!?]$", "");
    }
}
