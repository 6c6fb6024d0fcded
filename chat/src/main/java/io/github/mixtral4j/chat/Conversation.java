package io.github.mixtral4j.chat;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.ArrayList;
import java.util.List;

/// A request in the form that both formats render: the system messages gathered to one prompt, messages of the same
/// role that follow each other merged, a user message first.
///
/// Source: mistral-common, protocol/instruct/normalize.py.
/// @param system the system messages with an empty line between them; empty if there are none
/// @param turns messages from user, assistant and tool; the first is from the user
record Conversation(String system, List<Message> turns) {
    private static final String SEPARATOR = "\n\n";

    static Conversation of(ChatRequest request) {
        List<String> system = new ArrayList<>();
        List<Message> turns = new ArrayList<>();
        List<Message> messages = request.messages();
        for (int i = 0; i < messages.size(); i++) {
            // A system message between two user messages keeps them apart, as it does in mistral-common.
            boolean follows =
                    i > 0 && messages.get(i - 1).role().equals(messages.get(i).role());
            switch (messages.get(i)) {
                case SystemMessage message -> system.add(message.content());
                case UserMessage message ->
                    turns.add(follows ? merge((UserMessage) turns.removeLast(), message) : message);
                case AssistantMessage message ->
                    turns.add(follows ? merge((AssistantMessage) turns.removeLast(), message, i) : message);
                case ToolMessage message -> turns.add(message);
            }
        }
        if (turns.isEmpty() || !(turns.getFirst() instanceof UserMessage)) {
            turns.addFirst(new UserMessage(""));
        }
        system.removeIf(String::isEmpty);
        return new Conversation(String.join(SEPARATOR, system), turns);
    }

    /// Index of the last user message.
    int lastUser() {
        int index = turns.size() - 1;
        while (!(turns.get(index) instanceof UserMessage)) {
            index--;
        }
        return index;
    }

    /// The content with the system prompt in front, if there is one.
    String withSystem(String content) {
        return system.isEmpty() ? content : system + SEPARATOR + content;
    }

    private static UserMessage merge(UserMessage first, UserMessage second) {
        return new UserMessage(join(first.content(), second.content()));
    }

    private static AssistantMessage merge(AssistantMessage first, AssistantMessage second, int index) {
        List<ToolCall> calls = new ArrayList<>(first.toolCalls());
        calls.addAll(second.toolCalls());
        String content = join(first.content(), second.content());
        if (!calls.isEmpty() && !content.isEmpty()) {
            throw new ChatRequestException(
                    "messages[" + index + "]",
                    "tool_calls cannot follow content from the assistant; a message from user or tool must be between");
        }
        return new AssistantMessage(content, calls, second.prefix());
    }

    private static String join(String first, String second) {
        return first.isEmpty() || second.isEmpty() ? first + second : first + SEPARATOR + second;
    }
}
