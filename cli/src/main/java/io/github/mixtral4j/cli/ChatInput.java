package io.github.mixtral4j.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/// Where the messages of a conversation come from: a person at a terminal, or a pipe.
///
/// A message is a line. A line that ends in a backslash goes on in the next one, and everything between two lines
/// `"""` is one message.
sealed interface ChatInput extends AutoCloseable {
    /// What starts and ends a message of several lines.
    String FENCE = "\"\"\"";

    /// One line, without its line break; empty at the end of the input.
    ///
    /// @param continued whether it goes on with the line before
    Optional<String> readLine(boolean continued) throws IOException;

    /// Has Ctrl-C call this instead of ending the program, while no line is being read.
    void onInterrupt(Runnable action);

    @Override
    void close() throws IOException;

    /// What was typed.
    ///
    /// @param isFenced whether it stood between fences: then it is a message, whatever it begins with
    record Entry(String text, boolean isFenced) {}

    /// The next message or command; empty at the end of the input.
    default Optional<Entry> read() throws IOException {
        Optional<String> line = readLine(false);
        if (line.isEmpty()) {
            return Optional.empty();
        }
        boolean isFenced = line.get().strip().equals(FENCE);
        return Optional.of(new Entry(isFenced ? readFenced() : readContinued(line.get()), isFenced));
    }

    private String readFenced() throws IOException {
        StringBuilder message = new StringBuilder();
        for (Optional<String> line = readLine(true);
                line.isPresent() && !line.get().strip().equals(FENCE);
                line = readLine(true)) {
            message.append(message.isEmpty() ? "" : "\n").append(line.get());
        }
        return message.toString();
    }

    private String readContinued(String first) throws IOException {
        StringBuilder message = new StringBuilder(first);
        while (!message.isEmpty() && message.charAt(message.length() - 1) == '\\') {
            message.setCharAt(message.length() - 1, '\n');
            message.append(readLine(true).orElse(""));
        }
        return message.toString();
    }

    /// Lines of a pipe or file.
    static ChatInput piped(Console console) {
        return new Piped(console.reader());
    }

    /// A person at a terminal, with editing and a history that outlives the program.
    static ChatInput atTerminal() throws IOException {
        return new AtTerminal(TerminalBuilder.builder().system(true).build());
    }

    /// See [#piped].
    record Piped(BufferedReader reader) implements ChatInput {
        @Override
        public Optional<String> readLine(boolean continued) throws IOException {
            return Optional.ofNullable(reader.readLine());
        }

        @Override
        public void onInterrupt(Runnable action) {
            // A pipe has no keyboard; Ctrl-C ends the program.
        }

        @Override
        public void close() {
            // Standard input stays open.
        }
    }

    /// See [#atTerminal].
    final class AtTerminal implements ChatInput {
        private final Terminal terminal;
        private final LineReader reader;

        private AtTerminal(Terminal terminal) {
            this.terminal = terminal;
            if (terminal.getColumns() <= 0) {
                // Terminals of containers and scripts may not know their size; the editor shows nothing then.
                terminal.setSize(Size.of(80, 24));
            }
            LineReaderBuilder builder = LineReaderBuilder.builder()
                    .terminal(terminal)
                    // People write prose: quotes and backslashes are characters, and "!" names no earlier line.
                    .parser(new DefaultParser().quoteChars(new char[0]).escapeChars(new char[0]))
                    .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                    .option(LineReader.Option.BRACKETED_PASTE, true);
            historyFile().ifPresent(file -> builder.variable(LineReader.HISTORY_FILE, file));
            this.reader = builder.build();
        }

        /// The history's file; without one if its folder cannot be made.
        private static Optional<Path> historyFile() {
            String state = System.getenv("XDG_STATE_HOME");
            Path folder = state != null && Path.of(state).isAbsolute()
                    ? Path.of(state, "mixtral4j")
                    : Path.of(System.getProperty("user.home"), ".local", "state", "mixtral4j");
            try {
                return Optional.of(Files.createDirectories(folder).resolve("chat_history"));
            } catch (IOException e) {
                return Optional.empty();
            }
        }

        @Override
        public Optional<String> readLine(boolean continued) {
            while (true) {
                try {
                    return Optional.of(reader.readLine(continued ? "… " : "> "));
                } catch (UserInterruptException e) {
                    // Ctrl-C empties the line.
                    if (e.getPartialLine().isEmpty()) {
                        terminal.writer().println("(Ctrl-D or /quit leaves)");
                        terminal.flush();
                    }
                } catch (EndOfFileException e) {
                    return Optional.empty();
                }
            }
        }

        @Override
        public void onInterrupt(Runnable action) {
            terminal.handle(Terminal.Signal.INT, signal -> action.run());
        }

        @Override
        public void close() throws IOException {
            try {
                reader.getHistory().save();
            } catch (IOException e) {
                // The chat was one all the same; its lines will not come back next time.
            } finally {
                terminal.close();
            }
        }
    }
}
