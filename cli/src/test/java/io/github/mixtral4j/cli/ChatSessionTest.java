package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.chat.ChatRequestException;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.ToolMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import io.github.mixtral4j.chat.ToolCall;
import io.github.mixtral4j.generate.Cancellation;
import io.github.mixtral4j.generate.FinishReason;
import io.github.mixtral4j.generate.GenerationEvent;
import io.github.mixtral4j.generate.GenerationException;
import io.github.mixtral4j.generate.GenerationRequest;
import io.github.mixtral4j.generate.Generator;
import io.github.mixtral4j.generate.Usage;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A conversation with a model whose answers are written down.
final class ChatSessionTest {
    private static final int TOOL_CALLS = 5;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Console console = new Console(InputStream.nullInputStream(), out, err, () -> false);
    private final Deque<Consumer<Consumer<GenerationEvent>>> answers = new ArrayDeque<>();
    private final List<int[]> prompts = new ArrayList<>();

    @TempDir
    private Path folder;

    private Tokenizer tokenizer;
    private ChatFormat format;
    private ChatSession session;
    private ChatCommands commands;

    private final class Script implements Generator {
        @Override
        public Cancellation submit(GenerationRequest request, Consumer<GenerationEvent> sink) {
            prompts.add(request.prompt());
            answers.remove().accept(sink);
            return () -> {};
        }

        @Override
        public void close() {}
    }

    @BeforeEach
    void start() throws IOException {
        tokenizer = Tokenizer.read(Project.fixture("conformance/tokenizer.model.v3"));
        format = ChatFormat.of(tokenizer);
        session = new ChatSession(
                console, format, new Script(), GenerationRequest::of, tokenizer.controlId("[TOOL_CALLS]"), "");
        commands = new ChatCommands(console, session);
    }

    private void answer(int... ids) {
        answers.add(sink -> {
            var decoder = tokenizer.streamDecoder();
            String ignored = decoder.push(tokenizer.bosId()) + decoder.push(1027);
            for (int id : ids) {
                sink.accept(new GenerationEvent.Text(decoder.push(id), id, Optional.empty()));
            }
            sink.accept(finished(FinishReason.STOP));
        });
    }

    private static GenerationEvent finished(FinishReason reason) {
        return new GenerationEvent.Finished(reason, Optional.empty(), new Usage(9, 4, 3, 0.5, 0.25, 0.75));
    }

    private String printed() {
        console.flush();
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void answersAreStreamedAndRemembered() throws Exception {
        answer(tokenizer.encode("Good day"));
        session.say("Hello");
        assertThat(printed()).isEqualTo("Good day\n");
        assertThat(session.conversation().messages())
                .containsExactly(new UserMessage("Hello"), new AssistantMessage("Good day"));
        answer(tokenizer.encode("Again"));
        session.say("Once more");
        assertThat(prompts.getLast())
                .isEqualTo(format.render(new ChatRequest(List.of(
                                new UserMessage("Hello"),
                                new AssistantMessage("Good day"),
                                new UserMessage("Once more"))))
                        .ids());
    }

    @Test
    void failedAnswersLeaveTheConversationAsItWas() throws Exception {
        answer(tokenizer.encode("Good day"));
        session.say("Hello");
        List<?> before = session.conversation().messages();
        answers.add(sink -> sink.accept(new GenerationEvent.Failed("the disk is gone", new IOException())));
        assertThatThrownBy(() -> session.say("And?"))
                .isInstanceOf(GenerationException.class)
                .hasMessage("the disk is gone");
        assertThat(session.conversation().messages()).isEqualTo(before);
    }

    @Test
    void emptyAnswersAreNoTurn() throws Exception {
        answer();
        session.say("Hello");
        assertThat(session.conversation().messages()).isEmpty();
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("[no answer]\n");
    }

    @Test
    void stoppedAnswersAreKeptSoFar() throws Exception {
        answers.add(sink -> {
            sink.accept(new GenerationEvent.Text(" Good", 1, Optional.empty()));
            sink.accept(finished(FinishReason.CANCELLED));
        });
        session.say("Hello");
        assertThat(session.conversation().messages().getLast()).isEqualTo(new AssistantMessage("Good"));
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("[cancelled]\n");
    }

    @Test
    void onlyTheSpaceBeforeTheFirstWordIsTakenAway() throws Exception {
        answers.add(sink -> {
            for (String delta : new String[] {"", " ", " ", "Good"}) {
                sink.accept(new GenerationEvent.Text(delta, 1, Optional.empty()));
            }
            sink.accept(finished(FinishReason.STOP));
        });
        session.say("Hello");
        assertThat(session.conversation().messages().getLast()).isEqualTo(new AssistantMessage(" Good"));
        assertThat(printed()).isEqualTo(" Good\n");
    }

    @Test
    void toolCallsWaitForTheirResults() throws Exception {
        int[] calls = tokenizer.encode("[{\"name\": \"add\", \"arguments\": {\"a\": 1}, \"id\": \"abcdefghi\"}]");
        int[] ids = new int[calls.length + 1];
        ids[0] = TOOL_CALLS;
        System.arraycopy(calls, 0, ids, 1, calls.length);
        answer(ids);
        assertThat(run("What is 1 + 1?")).isTrue();
        assertThat(printed()).isEqualTo("[add {\"a\": 1}]\n");
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("[type the result of add]\n");
        assertThat(session.openCall()).contains(new ToolCall("abcdefghi", "add", "{\"a\": 1}"));
        answer(tokenizer.encode("Two"));
        run("2");
        assertThat(session.conversation().messages().get(2)).isEqualTo(new ToolMessage("2", "abcdefghi"));
        assertThat(printed()).endsWith("]\nTwo\n");
        assertThat(session.openCall()).isEmpty();
    }

    @Test
    void savedConversationsComeBack() throws Exception {
        session.setSystem("Be kind");
        answer(tokenizer.encode("Good day"));
        session.say("Hello");
        ChatRequest saved = session.conversation();
        Path file = folder.resolve("a conversation.json");
        run("/save " + file);
        run("/reset");
        assertThat(session.conversation().messages()).hasSize(1);
        run("/system -");
        run("/load " + file);
        assertThat(session.conversation()).isEqualTo(saved);
        assertThat(session.system()).isEqualTo("Be kind");
        try (var files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void toolsAndCallsComeBackToo() throws Exception {
        ChatRequest conversation =
                ConversationFile.read(Project.fixture("conformance/chat/get_weather_full/sample.json"));
        Path file = folder.resolve("tools.json");
        ConversationFile.write(file, conversation);
        assertThat(format.render(ConversationFile.read(file)).ids())
                .isEqualTo(format.render(conversation).ids());
    }

    @Test
    void brokenFilesLeaveTheConversationAsItWas() throws Exception {
        answer(tokenizer.encode("Good day"));
        session.say("Hello");
        Path file = Files.writeString(folder.resolve("broken.json"), "{\"messages\": [{\"role\": \"king\"}]}");
        assertThatThrownBy(() -> run("/load " + file)).isInstanceOf(ChatRequestException.class);
        assertThat(session.conversation().messages()).hasSize(2);
    }

    @Test
    void statsTellOfTheLastAnswer() throws Exception {
        run("/stats");
        answer(tokenizer.encode("Good day"));
        session.say("Hello");
        run("/stats");
        assertThat(printed()).isEqualTo("""
                        No answer yet.
                        Good day
                        2 messages; last prompt 9 tokens (4 of them cached, the others at 10.0 tokens/s); \
                        last answer 3 tokens at 8.0 tokens/s, the first after 0.75 s
                        """);
    }

    @Test
    void linesWithASlashAreCommands() throws Exception {
        assertThat(run("/quit")).isFalse();
        assertThat(run("   ")).isTrue();
        assertThat(run("/help")).isTrue();
        assertThat(printed()).contains("/save FILE").contains("\"\"\" are one");
        assertThatThrownBy(() -> run("/dance"))
                .isInstanceOf(CommandException.class)
                .hasMessage("unknown command /dance; /help lists the commands; a message"
                        + " that begins with / goes between two lines \"\"\"");
        assertThatThrownBy(() -> run("/save"))
                .isInstanceOf(CommandException.class)
                .hasMessage("/save needs the name of a file");
    }

    private boolean run(String line) throws IOException, InterruptedException {
        return commands.run(new ChatInput.Entry(line, false));
    }
}
