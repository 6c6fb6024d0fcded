package io.github.mixtral4j.chat;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.checkpoint.Names;
import java.util.List;
import java.util.regex.Pattern;

/// What must hold between the messages of a request, whichever format renders it: the rules of mistral-common's
/// validator for serving. Looser here, because clients of other servers keep running into it: a user may speak right
/// after a tool, and the ids of tool calls may have any form or be absent.
///
/// Source: mistral-common, protocol/instruct/validator.py.
final class RequestRules {
    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");

    private RequestRules() {}

    static void check(ChatRequest request) {
        checkEnds(request.messages());
        checkTurns(request, request.messages().size());
    }

    /// The rules of a conversation to train on, which ends with a complete reply.
    static void checkFinished(ChatRequest request) {
        List<Message> messages = request.messages();
        if (messages.isEmpty()) {
            throw new ChatRequestException("messages", "expected at least one message");
        }
        if (!(messages.getLast() instanceof AssistantMessage message) || message.prefix()) {
            throw new ChatRequestException(
                    path(messages.size() - 1), "the last message must be a complete one from assistant, to learn from");
        }
        // Calls at the end are what is to be learnt; nobody has answered them yet.
        checkTurns(request, messages.size() - 1);
    }

    /// @param answered messages whose tool calls must have been answered
    private static void checkTurns(ChatRequest request, int answered) {
        checkOrder(request.messages());
        checkResults(request.messages().subList(0, answered));
        for (int i = 0; i < request.messages().size(); i++) {
            if (request.messages().get(i) instanceof AssistantMessage message) {
                checkAssistant(message, path(i), i == request.messages().size() - 1);
            }
        }
        for (int i = 0; i < request.tools().size(); i++) {
            Tool tool = request.tools().get(i);
            checkName(tool.name(), "tools[" + i + "].function.name");
            SchemaRules.check(tool.parameters(), "tools[" + i + "].function.parameters");
        }
    }

    /// Whether a function may be called so.
    static boolean isName(String name) {
        return NAME.matcher(name).matches();
    }

    static void checkName(String name, String path) {
        if (!isName(name)) {
            throw new ChatRequestException(
                    path, "expected 1 to 64 letters, digits, underscores and dashes, got " + Names.quote(name));
        }
    }

    private static void checkEnds(List<Message> messages) {
        if (messages.isEmpty()) {
            throw new ChatRequestException("messages", "expected at least one message");
        }
        Message last = messages.getLast();
        if (messages.size() == 1 && (last instanceof AssistantMessage || last instanceof ToolMessage)) {
            throw new ChatRequestException(path(0), "a single message must be from user or system, got " + last.role());
        }
        if (last instanceof AssistantMessage message && !message.prefix()) {
            throw new ChatRequestException(
                    path(messages.size() - 1),
                    "the last message must be from user or tool, or from assistant with \"prefix\": true");
        }
    }

    private static void checkOrder(List<Message> messages) {
        for (int i = 1; i < messages.size(); i++) {
            Message next = messages.get(i);
            boolean fits = switch (messages.get(i - 1)) {
                case SystemMessage _ -> !(next instanceof ToolMessage);
                case UserMessage _ -> !(next instanceof ToolMessage);
                case AssistantMessage _ -> !(next instanceof SystemMessage);
                case ToolMessage _ -> !(next instanceof SystemMessage);
            };
            if (!fits) {
                throw new ChatRequestException(
                        path(i),
                        "a message from " + next.role() + " cannot follow one from "
                                + messages.get(i - 1).role());
            }
        }
    }

    /// Every tool call is answered by one tool message before anybody else speaks.
    private static void checkResults(List<Message> messages) {
        int calls = 0;
        int results = 0;
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i) instanceof ToolMessage) {
                results++;
            } else if (results != calls) {
                throw unanswered(i - 1, calls, results);
            } else {
                calls = messages.get(i) instanceof AssistantMessage message
                        ? message.toolCalls().size()
                        : 0;
                results = 0;
            }
        }
        if (results != calls) {
            throw unanswered(messages.size() - 1, calls, results);
        }
    }

    private static ChatRequestException unanswered(int index, int calls, int results) {
        return new ChatRequestException(
                path(index), "expected as many tool messages as tool calls, got " + results + " for " + calls);
    }

    private static void checkAssistant(AssistantMessage message, String path, boolean isLast) {
        if (message.content().isEmpty() == message.toolCalls().isEmpty()) {
            throw new ChatRequestException(
                    path,
                    "expected content or tool_calls, got " + (message.content().isEmpty() ? "neither" : "both"));
        }
        if (message.prefix() && !isLast) {
            throw new ChatRequestException(path + ".prefix", "only the last message can be continued");
        }
        for (int i = 0; i < message.toolCalls().size(); i++) {
            checkName(message.toolCalls().get(i).name(), path + ".tool_calls[" + i + "].function.name");
        }
    }

    private static String path(int index) {
        return "messages[" + index + "]";
    }
}
