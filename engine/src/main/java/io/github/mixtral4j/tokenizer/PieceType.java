package io.github.mixtral4j.tokenizer;

/// What a piece of the vocabulary is for. The codes are those of SentencePiece's `ModelProto.SentencePiece.Type`,
/// which GGUF's `tokenizer.ggml.token_type` repeats.
public enum PieceType {
    /// Text that merges may produce.
    NORMAL(1),
    /// The one piece for what has no other; text never needs it, because bytes stand in.
    UNKNOWN(2),
    /// A mark such as `<s>` or `[INST]`: never produced by text, invisible when decoded.
    CONTROL(3),
    /// Text taken whole wherever it occurs, before any merge.
    USER_DEFINED(4),
    /// A reserved place, such as the padding of a vocabulary; never produced by text.
    UNUSED(5),
    /// One byte, written `<0x41>`, for characters without a piece.
    BYTE(6);

    private final int code;

    PieceType(int code) {
        this.code = code;
    }

    /// The number of this type in tokenizer.model and in GGUF.
    public int code() {
        return code;
    }

    /// The type with that number.
    /// @param source the file and `id` the piece in it, for the error
    /// @throws TokenizerException if no type has that number
    static PieceType of(long code, String source, int id) {
        for (PieceType type : values()) {
            if (type.code == code) {
                return type;
            }
        }
        throw new TokenizerException(source + ": piece " + id + " has type " + code + ", expected 1 to 6");
    }
}
