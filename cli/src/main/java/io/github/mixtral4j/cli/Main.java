package io.github.mixtral4j.cli;

import picocli.CommandLine;

/// The program: one command line in, one exit code out.
public final class Main {
    /// Exit code of a command that did what it was asked.
    static final int OK = 0;
    /// Exit code of a command that could not: a file, its content, or the machine was in the way.
    static final int FAILED = 1;
    /// Exit code of a command line that means nothing: unknown command or option, value out of range.
    static final int WRONG_USAGE = 2;

    private Main() {}

    /// Runs the command line and ends the process with its exit code.
    public static void main(String[] args) {
        System.exit(run(Console.system(), args));
    }

    /// Runs one command line.
    ///
    /// @return the exit code: 0 done, 1 failed, 2 wrong usage
    static int run(Console console, String... args) {
        CommandLine commandLine = Commands.commandLine(console);
        try {
            int code = commandLine.execute(args.length == 0 ? new String[] {"--help"} : args);
            console.flush();
            return code;
        } catch (RuntimeException | Error e) {
            // Errors such as OutOfMemoryError, and what flush has to say; exceptions of commands end inside execute.
            return Failures.report(console, "mixtral", e);
        }
    }
}
