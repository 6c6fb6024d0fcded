package io.github.mixtral4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class MainTest {
    @Test
    void noArgumentsPrintHelp() {
        Cli alone = Cli.run();
        assertThat(alone).isEqualTo(Cli.run("--help"));
        assertThat(alone.code()).isEqualTo(0);
        assertThat(alone.out()).startsWith("Usage: mixtral ");
        assertThat(alone.err()).isEmpty();
    }

    @Test
    void helpCommandIsTheHelpOption() {
        assertThat(Cli.run("help", "tokenize")).isEqualTo(Cli.run("tokenize", "--help"));
        assertThat(Cli.run("help", "dance").code()).isEqualTo(2);
    }

    @Test
    void versionIsOneLine() {
        assertThat(Cli.run("--version")).isEqualTo(new Cli(0, "mixtral4j development\n", ""));
    }

    @Test
    void unknownOptionIsWrongUsage() {
        assertThat(Cli.run("--frobnicate")).isEqualTo(new Cli(2, "", """
                        mixtral: Unknown option: '--frobnicate'
                        Try 'mixtral --help'.
                        """));
    }

    @Test
    void unknownCommandSuggestsTheNearest() {
        Cli result = Cli.run("tokenise");
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err())
                .startsWith("mixtral: unknown command 'tokenise'\nDid you mean: mixtral tokenize")
                .endsWith("?\nTry 'mixtral --help'.\n");
    }

    @Test
    void unknownOptionOfACommandSuggestsTheNearest() {
        assertThat(Cli.run("tokenize", "--tokenizer", "x", "--decod", "a")).isEqualTo(new Cli(2, "", """
                        mixtral tokenize: Unknown option: '--decod'
                        Possible solutions: --decode
                        Try 'mixtral tokenize --help'.
                        """));
    }

    @Test
    void missingOptionIsNamed() {
        assertThat(Cli.run("tokenize")).isEqualTo(new Cli(2, "", """
                        mixtral tokenize: Missing required option: '--tokenizer=PATH'
                        Try 'mixtral tokenize --help'.
                        """));
    }

    @Test
    void fullDiskIsAFailure() {
        assertThat(withOutput("No space left on device"))
                .isEqualTo(new Cli(1, "", "mixtral: standard output: No space left on device\n"));
    }

    @Test
    void brokenPipeEndsSilently() {
        assertThat(withOutput("Broken pipe")).isEqualTo(new Cli(1, "", ""));
    }

    private static Cli withOutput(String problem) {
        OutputStream out = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(problem);
            }
        };
        var err = new ByteArrayOutputStream();
        Console console = new Console(InputStream.nullInputStream(), out, err, () -> false);
        console.println("result");
        int code = Main.run(console, "--version");
        return new Cli(code, "", err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void failuresBecomeOneLine() {
        assertThat(Failures.message(new OutOfMemoryError("Java heap space")))
                .isEqualTo("out of memory (Java heap space); give the JVM more with MIXTRAL4J_JAVA_OPTIONS=-Xmx8g, or"
                        + " use a shorter --context");
        assertThat(Failures.message(new java.nio.file.AccessDeniedException("/secret")))
                .isEqualTo("/secret: permission denied");
        assertThat(Failures.message(new java.nio.file.FileSystemException("/a", null, "Is a directory")))
                .isEqualTo("/a: Is a directory");
        assertThat(Failures.message(new FileAlreadyExistsException("/a", null, "is a folder")))
                .isEqualTo("/a: is a folder");
        assertThat(Failures.message(new FileAlreadyExistsException("/a"))).isEqualTo("/a: exists already");
        assertThat(Failures.message(new IllegalArgumentException("first\nsecond")))
                .isEqualTo("first");
        assertThat(Failures.message(new IllegalStateException("odd")))
                .isEqualTo("IllegalStateException: odd (MIXTRAL4J_DEBUG=1 shows where)");
        assertThat(Failures.message(new NullPointerException()))
                .isEqualTo("NullPointerException (MIXTRAL4J_DEBUG=1 shows where)");
        assertThat(Failures.message(new InternalError("a fault occurred in an unsafe memory access operation")))
                .isEqualTo("a model file became shorter or unreadable while it was in use");
        assertThat(Failures.message(new StackOverflowError())).isEqualTo("the input is nested too deeply");
    }

    @Test
    void failuresAreShortAndSteerNoTerminal() {
        String foreign = "\u001b[2J" + "x".repeat(100_000);
        for (Throwable failure : List.of(
                new IllegalArgumentException(foreign),
                new IllegalStateException(foreign),
                new FileAlreadyExistsException(foreign),
                new FileSystemException("/a", null, foreign))) {
            String message = Failures.message(failure);
            assertThat(message).contains("\\u001b[2Jxxx").hasSizeLessThan(1010);
            assertThat(message.chars().anyMatch(Character::isISOControl)).isFalse();
        }
        assertThat(Failures.message(new IllegalStateException(foreign))).endsWith("… (MIXTRAL4J_DEBUG=1 shows where)");
    }
}
