package io.github.mixtral4j.train;

/// Training cannot begin or go on, because of what a config, a data file or the run itself holds. The message
/// is for the user and names the file and, where there is one, the line.
public final class TrainException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TrainException(String message) {
        super(message);
    }

    public TrainException(String message, Throwable cause) {
        super(message, cause);
    }
}
