package io.github.mixtral4j.tokenizer;

/// A tokenizer file, or the tokenizer inside a model file, does not hold a vocabulary that can be used. The message
/// names the file.
public final class TokenizerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// @param message what, where, expected, found; it starts with the name of the file
    public TokenizerException(String message) {
        super(message);
    }

    /// @param message what, where, expected, found; it starts with the name of the file
    /// @param cause what the reader of the file said
    public TokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
