package io.github.mixtral4j.cli;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.SystemMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.chat.Tool;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.generate.Cancellation;
import io.github.mixtral4j.generate.GenerationEvent;
import io.github.mixtral4j.generate.GenerationRequest;
import io.github.mixtral4j.generate.Generator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A conversation with a model: the messages so far, and how the next one is answered. For one thread, except
/// [#interrupt()].
final class ChatSession {
    private final Console console;
    private final ChatFormat format;
    private final Generator generator;
    private final Function<int[], GenerationRequest> requests;
    private final OptionalInt toolCallsId;
    private final List<Message> messages = new ArrayList<>();
    private List<Tool> tools = List.of();
    private String system;
    private Optional<GenerationEvent.Finished> last = Optional.empty();
    private volatile @Nullable Cancellation running;

    /// @param requests makes the request for a prompt
    /// @param toolCallsId the token with which the model begins tool calls
    /// @param system instructions for the whole conversation; may be empty
    ChatSession(
            Console console,
            ChatFormat format,
            Generator generator,
            Function<int[], GenerationRequest> requests,
            OptionalInt toolCallsId,
            String system) {
        this.console = console;
        this.format = format;
        this.generator = generator;
        this.requests = requests;
        this.toolCallsId = toolCallsId;
        this.system = system;
    }

    /// The conversation so far, instructions first.
    ChatRequest conversation() {
        List<Message> all = new ArrayList<>();
        if (!system.isEmpty()) {
            all.add(new SystemMessage(system));
        }
        all.addAll(messages);
        return new ChatRequest(all, tools);
    }

    /// Goes on with another conversation.
    void restore(ChatRequest conversation) {
        List<String> instructions = new ArrayList<>();
        List<Message> others = new ArrayList<>();
        for (Message message : conversation.messages()) {
            if (message instanceof SystemMessage(String content)) {
                instructions.add(content);
            } else {
                others.add(message);
            }
        }
        replaceMessages(others);
        system = String.join("\n\n", instructions);
        tools = conversation.tools();
    }

    /// Forgets the messages, not the instructions.
    void reset() {
        messages.clear();
    }

    /// The instructions for the whole conversation; may be empty.
    String system() {
        return system;
    }

    /// Changes the instructions; they hold for the messages so far too.
    void setSystem(String instructions) {
        system = instructions;
    }

    /// How the last answer ended, if there was one.
    Optional<GenerationEvent.Finished> last() {
        return last;
    }

    /// The call of a tool that still waits for its result.
    Optional<ToolCall> openCall() {
        int results = 0;
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (messages.get(i) instanceof ToolMessage) {
                results++;
            } else {
                return messages.get(i) instanceof AssistantMessage assistant
                                && results < assistant.toolCalls().size()
                        ? Optional.of(assistant.toolCalls().get(results))
                        : Optional.empty();
            }
        }
        return Optional.empty();
    }

    /// Ends the answer that is being given, if one is. May be called by any thread.
    void interrupt() {
        Cancellation answer = running;
        if (answer != null) {
            answer.cancel();
        }
    }

    /// Says something to the model and streams its answer to the console. While the model waits for the results of
    /// tools, what is said is the next of them.
    ///
    /// If that fails, the conversation is as before.
    ///
    /// @throws IllegalArgumentException if the conversation does not fit the format or the context
    /// @throws io.github.mixtral4j.generate.GenerationException if the answer breaks off
    void say(String text) throws InterruptedException {
        List<Message> before = List.copyOf(messages);
        Optional<ToolCall> call = openCall();
        messages.add(call.isPresent() ? new ToolMessage(text, call.get().id()) : new UserMessage(text));
        if (openCall().isPresent()) {
            return;
        }
        try {
            AssistantMessage answer = answer();
            if (answer.content().isBlank() && answer.toolCalls().isEmpty()) {
                // An empty turn fits no format; the question may be put again.
                console.message("[no answer]");
                replaceMessages(before);
            } else {
                messages.add(answer);
            }
        } catch (Throwable e) {
            replaceMessages(before);
            throw e;
        }
    }

    private void replaceMessages(List<Message> others) {
        messages.clear();
        messages.addAll(others);
    }

    private AssistantMessage answer() throws InterruptedException {
        int[] prompt = format.render(conversation()).ids();
        ChatAnswer answer = new ChatAnswer(console, format, toolCallsId);
        Cancellation cancellation = generator.submit(requests.apply(prompt), answer);
        running = cancellation;
        try {
            GenerationEvent.Finished finished = answer.await();
            last = Optional.of(finished);
            return answer.message(finished);
        } finally {
            running = null;
            cancellation.cancel();
        }
    }
}
