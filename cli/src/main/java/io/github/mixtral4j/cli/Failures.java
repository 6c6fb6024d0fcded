package io.github.mixtral4j.cli;

import io.github.mixtral4j.chat.ChatRequestException;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.generate.GenerationException;
import io.github.mixtral4j.tokenizer.TokenizerException;
import io.github.mixtral4j.train.TrainException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.jspecify.annotations.Nullable;

/// The one place that turns what went wrong into a line for the user. `MIXTRAL4J_DEBUG=1` adds the stack trace.
final class Failures {
    private static final int MAX_LENGTH = 1000;

    /// Leaves room for what [#message] puts around it.
    private static final int MAX_LINE_LENGTH = 850;

    private Failures() {}

    /// Prints the message of a failed command.
    ///
    /// @return the exit code
    static int report(Console console, String command, Throwable failure) {
        Throwable cause = failure instanceof UncheckedIOException e && e.getCause() != null ? e.getCause() : failure;
        if (cause instanceof IOException && isBrokenPipe(cause.getMessage())) {
            return Main.FAILED; // the reader has gone and knows it
        }
        console.message(command + ": " + message(cause));
        if ("1".equals(System.getenv("MIXTRAL4J_DEBUG"))) {
            failure.printStackTrace(console.err());
        }
        // What a request file says is no mistake of the command line.
        boolean wrongUsage = cause instanceof IllegalArgumentException && !(cause instanceof ChatRequestException);
        return wrongUsage ? Main.WRONG_USAGE : Main.FAILED;
    }

    /// What went wrong, in the user's words, on one line of bounded length without control characters,
    /// whatever the name of a file or a text inside it may be.
    static String message(Throwable cause) {
        return Names.printable(describe(cause), MAX_LENGTH);
    }

    private static String describe(Throwable cause) {
        return switch (cause) {
            case NoSuchFileException e -> e.getFile() + ": no such file or folder";
            case AccessDeniedException e -> e.getFile() + ": permission denied";
            case FileAlreadyExistsException e when e.getReason() == null -> e.getFile() + ": exists already";
            case NotDirectoryException e -> e.getFile() + ": not a folder";
            case DirectoryNotEmptyException e -> e.getFile() + ": the folder is not empty";
            case FileSystemException e when e.getReason() != null -> e.getFile() + ": " + firstLine(e.getReason());
            case OutOfMemoryError e ->
                "out of memory (" + firstLine(e.getMessage())
                        + "); give the JVM more with MIXTRAL4J_JAVA_OPTIONS=-Xmx8g, or use a shorter --context";
            case InternalError e
            when firstLine(e.getMessage()).contains("memory access") ->
                "a model file became shorter or unreadable while it was in use";
            case GenerationException e when e.getCause() instanceof Error error -> describe(error);
            case StackOverflowError _ -> "the input is nested too deeply";
            case Throwable t
            when t.getMessage() != null && !t.getMessage().isBlank() -> {
                String text = firstLine(t.getMessage());
                yield isExpected(t) ? text : t.getClass().getSimpleName() + ": " + text + DEBUG_HINT;
            }
            default -> cause.getClass().getSimpleName() + DEBUG_HINT;
        };
    }

    private static final String DEBUG_HINT = " (MIXTRAL4J_DEBUG=1 shows where)";

    /// Messages of these are written for the user; anything else is a mistake of this program and says so by its class.
    private static boolean isExpected(Throwable t) {
        return t instanceof IllegalArgumentException
                || t instanceof IOException
                || t instanceof CommandException
                || t instanceof CheckpointException
                || t instanceof TokenizerException
                || t instanceof TrainException
                || t instanceof GenerationException;
    }

    private static boolean isBrokenPipe(@Nullable String message) {
        // The text of EPIPE on Linux and macOS, and of the same on Windows.
        return message != null && (message.contains("Broken pipe") || message.contains("pipe is being closed"));
    }

    /// The message without what follows its first line, [Names#printable(String, int)].
    static String firstLine(@Nullable String text) {
        if (text == null) {
            return "";
        }
        String line = text.lines()
                .map(String::strip)
                .filter(s -> !s.isEmpty())
                .findFirst()
                .orElse("");
        return Names.printable(line, MAX_LINE_LENGTH);
    }
}
