package io.github.mixtral4j.chat;

import io.github.mixtral4j.tokenizer.StreamDecoder;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// Reads one reply while it is generated: content comes out as it goes in, tool calls at the end. For one thread.
///
/// Control pieces never show in the content. What follows `[TOOL_CALLS]` must be a list of objects with `name` and
/// `arguments`; if it is not, [#finish] gives it back as content and says why.
public final class ReplyParser {
    private static final String MARK = "[TOOL_CALLS]";

    private final Tokenizer tokenizer;
    private final OptionalInt toolCallsId;
    private final RandomGenerator random;
    private final StringBuilder content = new StringBuilder();
    private final StringBuilder calls = new StringBuilder();
    /// Begin of a reply that comes as text, as long as it may turn out to be the mark.
    private final StringBuilder undecided = new StringBuilder();

    private StreamDecoder decoder;
    private boolean inCalls;
    private boolean decided;

    /// @param toolCallsId id of `[TOOL_CALLS]`; empty in a format without tools
    ReplyParser(Tokenizer tokenizer, OptionalInt toolCallsId, RandomGenerator random) {
        this.tokenizer = tokenizer;
        this.toolCallsId = toolCallsId;
        this.random = random;
        this.decoder = tokenizer.streamDecoder();
    }

    /// Takes the next id of the reply; one beyond the vocabulary has no text.
    /// @return the content that it adds; often empty
    /// @throws IllegalArgumentException if the id is negative
    public String push(int id) {
        if (!inCalls && toolCallsId.isPresent() && id == toolCallsId.getAsInt()) {
            String tail = take(decoder.flush());
            inCalls = true;
            decoder = tokenizer.streamDecoder();
            return tail;
        }
        return take(decoder.push(id));
    }

    /// Takes the next piece of a reply that comes as text, from a source that gives no ids. `[TOOL_CALLS]` counts as
    /// the mark at the very start only.
    /// @return the content that it adds; empty while the text may still be the mark
    public String push(String text) {
        if (decided) {
            return take(text);
        }
        undecided.append(text);
        String begin = undecided.toString().stripLeading();
        if (toolCallsId.isPresent() && begin.length() < MARK.length() && MARK.startsWith(begin)) {
            return "";
        }
        decided = true;
        if (toolCallsId.isPresent() && begin.startsWith(MARK)) {
            inCalls = true;
            return take(begin.substring(MARK.length()));
        }
        return take(undecided.toString());
    }

    /// Ends the reply.
    /// @return all of it. Its content begins with what the pushes returned; what it has beyond that was held back
    public Reply finish() {
        if (!decided) {
            decided = true;
            take(undecided.toString());
        }
        take(decoder.flush());
        return inCalls ? readCalls() : new Reply(content.toString(), List.of(), Optional.empty());
    }

    private String take(String text) {
        if (inCalls) {
            calls.append(text);
            return "";
        }
        content.append(text);
        return text;
    }

    private Reply readCalls() {
        JsonNode list;
        try {
            list = PythonJson.read(calls.toString());
        } catch (JacksonException e) {
            return broken("not JSON: " + e.getOriginalMessage());
        }
        if (!list.isArray() || list.isEmpty()) {
            return broken("expected a list of calls");
        }
        List<ToolCall> toolCalls = new ArrayList<>();
        for (JsonNode call : list) {
            if (!call.path("name").isString()) {
                return broken("call " + toolCalls.size() + " has no name");
            }
            if (!RequestRules.isName(call.path("name").stringValue())) {
                // A request with such a call would be refused: the conversation could not go on.
                return broken("call " + toolCalls.size() + " has a name that no function has");
            }
            toolCalls.add(toolCall(call));
        }
        return new Reply(content.toString(), toolCalls, Optional.empty());
    }

    private ToolCall toolCall(JsonNode call) {
        String id = call.path("id").asString("");
        JsonNode arguments = call.path("arguments");
        String text;
        if (arguments.isMissingNode() || arguments.isNull()) {
            text = "{}";
        } else {
            text = wellFormed(arguments.isString() ? arguments.stringValue() : PythonJson.write(arguments));
        }
        return new ToolCall(
                ToolCallIds.fits(id) ? id : ToolCallIds.random(random),
                call.path("name").stringValue(),
                text);
    }

    /// The text with a `?` for every half of a character: JSON's escapes have them, UTF-8 does not.
    private static String wellFormed(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    }

    private Reply broken(String problem) {
        return new Reply(content.toString() + calls, List.of(), Optional.of("tool calls taken as content: " + problem));
    }
}
