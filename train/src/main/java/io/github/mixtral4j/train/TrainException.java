package io.github.mixtral4j.train;

/// Training cannot begin or go on, because of what a config, a data file or the run itself holds. The message
/// is for the user and names the file and, where there is one, the line.
public final class TrainException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param message a sentence for the user: file and line, expected, found
    public TrainException(String message) {
        super(message);
    }

    /// @param message a sentence for the user: file and line, expected, found
    /// @param cause what was thrown where it was noticed
    public TrainException(String message, Throwable cause) {
        super(message, cause);
    }
}
