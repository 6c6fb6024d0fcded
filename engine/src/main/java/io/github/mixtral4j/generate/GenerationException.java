package io.github.mixtral4j.generate;

/// A request that was accepted could not be completed; see [GenerationEvent.Failed].
public final class GenerationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param message a sentence for the user: what could not be completed, and why
    /// @param cause what was thrown while the model ran
    public GenerationException(String message, Throwable cause) {
        super(message, cause);
    }
}
