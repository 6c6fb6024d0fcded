package io.github.mixtral4j.checkpoint;

/// What a model file says cannot be right, or cannot be run here. The message names the file, the tensor or key, what
/// was expected and what was found.
public final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param message a sentence for the user: file, tensor or key, expected, found
    public CheckpointException(String message) {
        super(message);
    }

    /// @param message a sentence for the user: file, tensor or key, expected, found
    /// @param cause what was thrown where it was noticed
    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
