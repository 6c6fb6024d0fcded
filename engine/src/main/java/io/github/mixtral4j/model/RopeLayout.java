package io.github.mixtral4j.model;

/// Which elements of a head rotary embedding turns together. Both orders describe the same model; the rows of wq and
/// wk are permuted accordingly in the file.
public enum RopeLayout {
    /// Neighbours `(0, 1), (2, 3), …`: Mistral's own files and GGUF.
    INTERLEAVED,
    /// Element `i` with `i + headDim / 2`: Hugging Face files.
    HALF_SPLIT
}
