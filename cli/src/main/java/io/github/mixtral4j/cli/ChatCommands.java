package io.github.mixtral4j.cli;

import io.github.mixtral4j.chat.ChatRequest;
import io.github.mixtral4j.generate.Usage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/// What a line of a conversation can be: a command that starts with a slash, or a message.
final class ChatCommands {
    private static final String HELP = """
            /help           this list
            /system [TEXT]  show or change the instructions for the whole conversation; /system - removes them
            /reset          forget the conversation, keep the instructions
            /save FILE      write the conversation to a file, as JSON
            /load FILE      go on with a conversation from a file
            /stats          tokens and speed of the last answer
            /quit           leave (as Ctrl-D)
            A line ending in \\ goes on in the next; lines between two \""" are one message. Ctrl-C stops an answer.""";

    private final Console console;
    private final ChatSession session;

    ChatCommands(Console console, ChatSession session) {
        this.console = console;
        this.session = session;
    }

    /// Runs what was typed.
    ///
    /// @return whether the conversation goes on
    boolean run(ChatInput.Entry entry) throws IOException, InterruptedException {
        String line = entry.text();
        boolean isEmptyResult = entry.isFenced() && session.openCall().isPresent();
        if (line.isBlank() && !isEmptyResult) {
            return true;
        }
        if (entry.isFenced() || !line.startsWith("/")) {
            session.say(line);
            session.openCall().ifPresent(call -> console.message("[type the result of " + call.name() + "]"));
            return true;
        }
        int space = line.indexOf(' ');
        String name = space < 0 ? line.strip() : line.substring(0, space);
        String argument = space < 0 ? "" : line.substring(space).strip();
        switch (name) {
            case "/help" -> console.println(HELP);
            case "/system" -> system(argument);
            case "/reset" -> {
                session.reset();
                console.println("The conversation starts anew.");
            }
            case "/save" -> save(argument);
            case "/load" -> load(argument);
            case "/stats" -> stats();
            case "/quit", "/exit" -> {
                return false;
            }
            default ->
                throw new CommandException("unknown command " + name
                        + "; /help lists the commands; a message that begins with / goes between two lines \"\"\"");
        }
        return true;
    }

    private void system(String text) {
        if (!text.isEmpty()) {
            session.setSystem(text.equals("-") ? "" : text);
        }
        console.println(session.system().isEmpty() ? "No instructions." : "Instructions: " + session.system());
    }

    private void save(String file) throws IOException {
        Path path = path("/save", file);
        ConversationFile.write(path, session.conversation());
        console.println(path + ": " + messages(session.conversation()) + " written");
    }

    private void load(String file) throws IOException {
        Path path = path("/load", file);
        session.restore(ConversationFile.read(path));
        console.println(path + ": " + messages(session.conversation()) + " read");
    }

    private static String messages(ChatRequest conversation) {
        int count = conversation.messages().size();
        return count + (count == 1 ? " message" : " messages");
    }

    private static Path path(String command, String file) {
        if (file.isEmpty()) {
            throw new CommandException(command + " needs the name of a file");
        }
        return Path.of(file);
    }

    private void stats() {
        if (session.last().isEmpty()) {
            console.println("No answer yet.");
            return;
        }
        Usage usage = session.last().get().usage();
        console.println(String.format(
                Locale.ROOT,
                "%d messages; last prompt %d tokens (%d of them cached, the others at %.1f tokens/s); "
                        + "last answer %d tokens at %.1f tokens/s, the first after %.2f s",
                session.conversation().messages().size(),
                usage.promptTokens(),
                usage.cachedTokens(),
                usage.prefillTokensPerSecond(),
                usage.completionTokens(),
                usage.decodeTokensPerSecond(),
                usage.timeToFirstTokenSeconds()));
    }
}
