package io.github.mixtral4j.checkpoint;

import java.util.Arrays;
import java.util.Optional;

/// Type of a metadata value in a GGUF file. The order is that of the numbers in the file, 0 to 12.
///
/// Source: `enum gguf_metadata_value_type` in docs/gguf.md of ggml.
public enum GgufType {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    /// A count and as many bytes of UTF-8.
    STRING(8),
    /// Element type, count, elements.
    ARRAY(12),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private final int minBytes;

    GgufType(int minBytes) {
        this.minBytes = minBytes;
    }

    /// The number that stands for this type in a file.
    public int id() {
        return ordinal();
    }

    /// Bytes of a number; of a string or array, those before the first element.
    int minBytes() {
        return minBytes;
    }

    /// Whether `value` is in range; a `UINT64` uses all bits of the `long`.
    boolean holds(long value) {
        return switch (this) {
            case UINT8 -> value >= 0 && value <= 0xFF;
            case INT8 -> value == (byte) value;
            case UINT16 -> value >= 0 && value <= 0xFFFF;
            case INT16 -> value == (short) value;
            case UINT32 -> value >= 0 && value <= 0xFFFF_FFFFL;
            case INT32 -> value == (int) value;
            case UINT64, INT64 -> true;
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
        };
    }

    /// The type with this number, or empty.
    static Optional<GgufType> ofId(int id) {
        return Arrays.stream(values()).filter(type -> type.id() == id).findFirst();
    }
}
