package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.ToolCall;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// What a right reply to a held-out sample is.
public sealed interface Expected {
    /// Nothing that could be checked word by word: small talk and stories. Their perplexity is measured instead.
    record Anything() implements Expected {}

    /// This text, whatever the case of its letters and the full stop at its end.
    record Text(String text) implements Expected {}

    /// This number after the mark at the end of the worked steps.
    record Number(long value) implements Expected {}

    /// These calls, in this order, with equal arguments; none means an answer in words.
    record Calls(List<ToolCall> calls) implements Expected {
        public Calls {
            calls = List.copyOf(calls);
        }
    }

    /// This JSON value, which also fits the schema.
    record Json(JsonNode schema, JsonNode value) implements Expected {}
}
