package io.github.mixtral4j.chat;

/// A request that cannot be rendered. The message begins with [#param()].
public final class ChatRequestException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String param;

    /// @param param the JSON path of what is wrong, such as `messages[2].tool_calls[0].id`
    /// @param problem what was expected and what was found
    public ChatRequestException(String param, String problem) {
        super(param + ": " + problem);
        this.param = param;
    }

    /// The JSON path of what is wrong.
    public String param() {
        return param;
    }
}
