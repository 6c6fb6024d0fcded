package io.github.mixtral4j.cli;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Reply;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.generate.FinishReason;
import io.github.mixtral4j.generate.GenerationEvent;
import io.github.mixtral4j.generate.GenerationException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/// Shows an answer while it is generated, and gathers it to a message.
final class ChatAnswer implements Consumer<GenerationEvent> {
    private final Console console;
    private final ChatFormat format;
    private final OptionalInt toolCallsId;
    private final CompletableFuture<GenerationEvent.Finished> end = new CompletableFuture<>();
    private final StringBuilder text = new StringBuilder();
    private final List<Integer> ids = new ArrayList<>();
    private boolean begun;
    private boolean inCalls;

    /// @param toolCallsId the token with which the model begins tool calls
    ChatAnswer(Console console, ChatFormat format, OptionalInt toolCallsId) {
        this.console = console;
        this.format = format;
        this.toolCallsId = toolCallsId;
    }

    @Override
    public void accept(GenerationEvent event) {
        try {
            switch (event) {
                case GenerationEvent.Text(String delta, int token, var _) -> show(delta, token);
                case GenerationEvent.Finished finished -> end.complete(finished);
                case GenerationEvent.Failed(String message, Throwable cause) ->
                    end.completeExceptionally(new GenerationException(message, cause));
            }
        } catch (RuntimeException | Error e) {
            // The output is gone; nobody wants the rest. Whoever waits for it must hear of it, whatever it was.
            end.completeExceptionally(e);
            throw new CancellationException();
        }
    }

    private void show(String delta, int token) {
        ids.add(token);
        inCalls |= toolCallsId.isPresent() && toolCallsId.getAsInt() == token;
        // The first piece of an answer carries the space that the vocabulary puts before words; a second one is text.
        String shown = !begun && delta.startsWith(" ") ? delta.substring(1) : delta;
        begun |= !delta.isEmpty();
        text.append(shown);
        if (!inCalls) {
            console.print(shown);
            console.flush();
        }
    }

    /// Waits for the end of the answer.
    GenerationEvent.Finished await() throws InterruptedException {
        try {
            return end.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new CompletionException(e.getCause());
        }
    }

    /// The whole answer, after its end, with what streaming could not show printed now.
    AssistantMessage message(GenerationEvent.Finished finished) {
        if (!inCalls) {
            console.println("");
            console.flush();
            if (finished.reason() != FinishReason.STOP) {
                console.message("[" + Json.name(finished.reason()) + "]");
            }
            return new AssistantMessage(text.toString());
        }
        Reply reply = format.parse(ids.stream().mapToInt(id -> id).toArray());
        reply.problem().ifPresent(console::message);
        for (ToolCall call : reply.toolCalls()) {
            console.println("[" + call.name() + " " + call.arguments() + "]");
        }
        if (reply.toolCalls().isEmpty()) {
            console.println(reply.content());
        }
        console.flush();
        return reply.toolCalls().isEmpty()
                ? new AssistantMessage(reply.content())
                : new AssistantMessage(reply.toolCalls());
    }
}
