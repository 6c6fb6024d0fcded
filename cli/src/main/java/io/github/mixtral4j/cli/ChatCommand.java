package io.github.mixtral4j.cli;

import io.github.mixtral4j.chat.ChatFormat;
import io.github.mixtral4j.generate.GenerationException;
import io.github.mixtral4j.generate.LocalGenerator;
import io.github.mixtral4j.nano.NanoModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;

/// `mixtral chat`: a conversation at the terminal.
@Command(
        name = "chat",
        customSynopsis = "mixtral chat [MODEL] [OPTION]...",
        description =
                "Talks to an instruct model: each line is a message, the answer is streamed. /help lists what else"
                        + " a line can be.",
        footer = {
            "",
            "A line that ends in \\ goes on in the next; lines between two \"\"\" are one message.",
            "Ctrl-C stops an answer, Ctrl-D leaves. Messages may come from a pipe as well."
        })
final class ChatCommand implements Callable<Integer> {
    /// What `mixtral chat` alone says where no model comes with it.
    static final String HOW_TO_GET_A_MODEL = """
            mixtral chat: no model given, and none comes with this build. To get one:
              download a GGUF file of Mixtral-8x7B-Instruct-v0.1 (26 GB as Q4_K_M) or Mixtral-8x22B-Instruct-v0.1
              (86 GB as Q4_K_M) from Hugging Face, or the safetensors of mistralai/Mixtral-8x7B-Instruct-v0.1,
              then run: mixtral chat FILE-OR-FOLDER
            To only see the chat work, make a small model that talks nonsense:
              mixtral synth --preset tiny --type Q8_0 tiny.gguf && mixtral chat tiny.gguf""";

    /// What `mixtral chat` alone says where a model comes with it.
    static final String THE_SMALL_MODEL =
            "This is mixtral-nano, the small model that comes with mixtral4j; mixtral chat MODEL runs another.";

    /// Where the model that comes with mixtral4j is; empty where none does.
    @FunctionalInterface
    interface OwnModel {
        Optional<Path> file() throws IOException;
    }

    private final Console console;
    private final OwnModel ownModel;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description =
                    "A GGUF file, or a Hugging Face or Mistral folder. Without it: the small model that comes with"
                            + " mixtral4j, or, where none does, how to get one.")
    private @Nullable Path path;

    @Option(names = "--system", paramLabel = "TEXT", description = "Instructions for the whole conversation.")
    private String system = "";

    @Option(
            names = "--format",
            paramLabel = "NAME",
            description = "Chat format: v1 (8x7B) or v3 (8x22B Instruct); default: what the vocabulary was made for.")
    private @Nullable String format;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Most tokens of the conversation; default: the model's context length.")
    private @Nullable Integer context;

    @Mixin
    private GenerationOptions options;

    ChatCommand(Console console) {
        this(console, NanoModel::file);
    }

    ChatCommand(Console console, OwnModel ownModel) {
        this.console = console;
        this.ownModel = ownModel;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (path != null) {
            return chat(path);
        }
        Optional<Path> own = ownModel.file();
        if (own.isEmpty()) {
            console.message(HOW_TO_GET_A_MODEL);
            return Main.FAILED;
        }
        console.message(THE_SMALL_MODEL);
        return chat(own.get());
    }

    private int chat(Path file) throws IOException, InterruptedException {
        try (OpenModel model = options.open(console, file, context)) {
            Tokenizer tokenizer = options.tokenizer(model);
            ChatFormat chatFormat = PromptCommand.chatFormat(format, tokenizer);
            try (LocalGenerator generator = options.start(model, tokenizer);
                    ChatInput input = console.isInteractive() ? ChatInput.atTerminal() : ChatInput.piped(console)) {
                ChatSession session = new ChatSession(
                        console, chatFormat, generator, options::request, tokenizer.controlId("[TOOL_CALLS]"), system);
                input.onInterrupt(session::interrupt);
                console.message("Chat format " + chatFormat.name() + "; /help lists the commands.");
                return converse(input, new ChatCommands(console, session));
            }
        }
    }

    /// @return the exit code: at a terminal a mistake is said and forgotten; in a pipe it shows in the exit code
    private int converse(ChatInput input, ChatCommands commands) throws IOException, InterruptedException {
        int code = Main.OK;
        for (Optional<ChatInput.Entry> entry = input.read(); entry.isPresent(); entry = input.read()) {
            try {
                if (!commands.run(entry.get())) {
                    break;
                }
            } catch (IllegalArgumentException
                    | IOException
                    | GenerationException
                    | CommandException
                    | JacksonException e) {
                console.message(Failures.message(e));
                code = Main.FAILED;
            }
            console.flush();
        }
        return console.isInteractive() ? Main.OK : code;
    }
}
