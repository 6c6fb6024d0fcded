package io.github.mixtral4j.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;

/// Reads the values of a GGUF header one after another from a mapped file.
///
/// No read leaves the file, and no count is believed before it is compared with the bytes that remain. What a header
/// may make us keep on the heap is bounded twice: [#MAX_HEADER_BYTES] and [#MAX_ELEMENTS].
final class GgufCursor {
    /// Far beyond any real header (8x22B: 2 MB; vocabularies of 260 000 pieces: 20 MB).
    static final long MAX_HEADER_BYTES = 128L << 20;

    /// Array elements of all metadata together; the largest real vocabularies with merges have under a million.
    static final int MAX_ELEMENTS = 1 << 22;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String file;
    private final MemorySegment bytes;
    /// Reports malformed input instead of replacing it.
    private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();

    private long position;
    private int elements;

    /// @param file name of the file, for messages
    GgufCursor(String file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    String file() {
        return file;
    }

    /// Offset of the next byte in the file.
    long position() {
        return position;
    }

    /// Bytes after the position.
    long remaining() {
        return bytes.byteSize() - position;
    }

    byte int8(String what) {
        return bytes.get(ValueLayout.JAVA_BYTE, advance(1, what));
    }

    short int16(String what) {
        return bytes.get(SHORT, advance(Short.BYTES, what));
    }

    int int32(String what) {
        return bytes.get(INT, advance(Integer.BYTES, what));
    }

    long int64(String what) {
        return bytes.get(LONG, advance(Long.BYTES, what));
    }

    /// A 64-bit count of things that take at least `minBytes` each, so many as fit into the rest of the file.
    long count(String what, long minBytes) {
        long count = int64(what);
        if (count < 0 || count > remaining() / minBytes) {
            throw new CheckpointException(file + ": " + what + ": the count " + Long.toUnsignedString(count)
                    + " is more than the " + remaining() + " bytes that are left can hold (damaged or truncated?)");
        }
        return count;
    }

    /// Notes that `count` array elements will be kept.
    void keep(String what, long count) {
        if (count > MAX_ELEMENTS - elements) {
            throw new CheckpointException(file + ": " + what + " has " + count + " elements; at most " + MAX_ELEMENTS
                    + " are expected in all metadata together");
        }
        elements += (int) count;
    }

    /// A text: 64-bit length in bytes, UTF-8.
    String text(String what) {
        long length = count(what, 1);
        long start = advance(length, what);
        byte[] utf = new byte[(int) length];
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, start, utf, 0, utf.length);
        try {
            return utf8.decode(ByteBuffer.wrap(utf)).toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file + ": " + what + " at offset " + start + " is not UTF-8", e);
        }
    }

    /// Moves past `length` bytes.
    ///
    /// @return the offset of the first of them
    private long advance(long length, String what) {
        if (length > remaining()) {
            throw new CheckpointException(file + ": " + what + " needs " + length + " bytes at offset " + position
                    + ", the file has " + remaining() + " bytes left (truncated?)");
        }
        if (length > MAX_HEADER_BYTES - position) {
            throw new CheckpointException(
                    file + ": the header does not end within " + MAX_HEADER_BYTES + " bytes, at " + what);
        }
        long start = position;
        position += length;
        return start;
    }
}
