package io.github.mixtral4j.generate;

/// Why a completion ended.
public enum FinishReason {
    /// The model ended its text, or a stop string or stop token came up.
    STOP,
    /// The request's own limit of tokens is reached.
    LENGTH,
    /// The context is full: prompt and completion together reach its length.
    MODEL_LENGTH,
    /// The caller cancelled the request, or the generator was closed. Text that was held back is dropped.
    CANCELLED
}
