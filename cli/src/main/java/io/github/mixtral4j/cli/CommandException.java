package io.github.mixtral4j.cli;

/// A command cannot go on, for a reason that only the command line knows. The message is for the user.
final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommandException(String message) {
        super(message);
    }
}
