package io.github.mixtral4j.cli;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;

/// Where a command reads and writes, always in UTF-8: standard input, standard output for results and nothing else,
/// standard error for progress and messages.
///
/// Writing to standard output throws [UncheckedIOException] when nobody reads it any more; a [PrintStream]
/// would swallow that, and a command piped into `head` would compute on for nobody. Not for use by several
/// threads at once.
final class Console {
    private final InputStream in;
    private OutputStream out;
    private final PrintStream err;
    private final BooleanSupplier interactive;

    /// @param interactive whether a person sits at both ends
    Console(InputStream in, OutputStream out, OutputStream err, BooleanSupplier interactive) {
        this.in = in;
        this.out = new BufferedOutputStream(out, 1 << 16);
        this.err = new PrintStream(err, true, StandardCharsets.UTF_8);
        this.interactive = interactive;
    }

    /// The console of this process.
    static Console system() {
        return new Console(
                System.in,
                new FileOutputStream(FileDescriptor.out),
                new FileOutputStream(FileDescriptor.err),
                Console::atTerminal);
    }

    @SuppressWarnings("SystemConsoleNull") // it is null in a pipe, whatever Error Prone says
    private static boolean atTerminal() {
        java.io.Console terminal = System.console();
        return terminal != null && terminal.isTerminal();
    }

    /// Whether a person sits at both ends, so that prompts and progress bars make sense.
    boolean isInteractive() {
        return interactive.getAsBoolean();
    }

    /// The raw input.
    InputStream in() {
        return in;
    }

    /// The input as text.
    BufferedReader reader() {
        return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), 1 << 16);
    }

    /// Adds to the result.
    void print(String text) {
        print(text.getBytes(StandardCharsets.UTF_8));
    }

    /// Adds bytes to the result.
    void print(byte[] bytes) {
        try {
            out.write(bytes);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// Adds a line to the result.
    void println(String line) {
        print(line);
        print("\n");
    }

    /// Makes everything written so far visible to the reader.
    void flush() {
        try {
            out.flush();
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    /// What is still in the buffer cannot be written either, so it is dropped: nobody should fail twice.
    private UncheckedIOException unwritable(IOException e) {
        out = OutputStream.nullOutputStream();
        return new UncheckedIOException(new IOException("standard output: " + e.getMessage(), e));
    }

    /// Writes a line to standard error.
    void message(String line) {
        err.println(line);
    }

    /// Standard error, for messages that are longer than a line.
    PrintStream err() {
        return err;
    }

    /// A writer to standard output for picocli's help.
    PrintWriter outWriter() {
        return new PrintWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8), true);
    }

    /// A writer to standard error for picocli's messages.
    PrintWriter errWriter() {
        return new PrintWriter(new OutputStreamWriter(err, StandardCharsets.UTF_8), true);
    }
}
