package io.github.mixtral4j.chat;

import java.util.List;
import java.util.Optional;

/// What a model answered.
/// @param content the text; empty beside tool calls, as a rule
/// @param toolCalls the calls it wishes for, each with an id of 9 letters or digits
/// @param problem why what the model marked as tool calls was taken as content instead
public record Reply(String content, List<ToolCall> toolCalls, Optional<String> problem) {
    public Reply {
        toolCalls = List.copyOf(toolCalls);
    }
}
