package io.github.mixtral4j.checkpoint;

/// What a model file says cannot be right, or cannot be run here. The message names the file, the tensor or key, what
/// was expected and what was found.
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
