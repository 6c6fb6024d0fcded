package io.github.mixtral4j.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/// Reads the fields of one Protocol Buffers message, every length checked against the bytes that are there.
///
/// Call [#next()] until it is false; after each, [#field()] says which field it is and one of [#number(String)],
/// [#decimal(String)], [#text(String)], [#byteCount(String)], [#message(String)] or [#skip()] takes its value.
/// Source: protobuf.dev/programming-guides/encoding.
final class ProtobufReader {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;

    private final String source;
    private final ByteBuffer bytes;
    private int field;
    private int wireType;

    /// @param source the name of the file, for errors
    /// @param bytes the message; borrowed
    ProtobufReader(String source, byte[] bytes) {
        this(source, ByteBuffer.wrap(bytes));
    }

    private ProtobufReader(String source, ByteBuffer bytes) {
        this.source = source;
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    /// Goes to the next field.
    /// @return false at the end of the message
    boolean next() {
        if (!bytes.hasRemaining()) {
            return false;
        }
        long tag = varint();
        field = (int) (tag >>> 3);
        wireType = (int) (tag & 7);
        if (tag >>> 3 == 0 || tag >>> 3 > 0x1FFF_FFFFL) {
            throw bad("field number " + (tag >>> 3));
        }
        return true;
    }

    /// Number of the current field.
    int field() {
        return field;
    }

    /// Takes an integer, boolean or enum.
    long number(String name) {
        expect(VARINT, name, "an integer");
        return varint();
    }

    /// Takes a 32-bit float.
    float decimal(String name) {
        expect(FIXED32, name, "a float");
        need(Float.BYTES);
        return bytes.getFloat();
    }

    /// Takes a string.
    String text(String name) {
        expect(BYTES, name, "a string");
        ByteBuffer value = slice();
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(value).toString();
        } catch (CharacterCodingException e) {
            throw new TokenizerException(at() + name + " is not UTF-8", e);
        }
    }

    /// Takes a message inside this one.
    ProtobufReader message(String name) {
        expect(BYTES, name, "a message");
        return new ProtobufReader(source, slice());
    }

    /// Passes over bytes, and says how many there were.
    int byteCount(String name) {
        expect(BYTES, name, "bytes");
        return slice().remaining();
    }

    /// Passes over the value, whatever it is.
    void skip() {
        switch (wireType) {
            case VARINT -> varint();
            case FIXED64 -> advance(Long.BYTES);
            case BYTES -> slice();
            case FIXED32 -> advance(Integer.BYTES);
            default -> throw bad("wire type " + wireType);
        }
    }

    private void expect(int type, String name, String what) {
        if (wireType != type) {
            throw bad(name + " is not " + what);
        }
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            need(1);
            byte next = bytes.get();
            value |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw bad("an integer of more than 10 bytes");
    }

    private ByteBuffer slice() {
        long length = varint();
        if (length < 0 || length > bytes.remaining()) {
            throw new TokenizerException(at() + "field " + field + " is " + Long.toUnsignedString(length)
                    + " bytes long, but " + bytes.remaining() + " are left (truncated?)");
        }
        ByteBuffer value = bytes.slice(bytes.position(), (int) length);
        advance((int) length);
        return value;
    }

    private void advance(int count) {
        need(count);
        bytes.position(bytes.position() + count);
    }

    private void need(int count) {
        if (bytes.remaining() < count) {
            throw new TokenizerException(at() + "the file ends inside field " + field + " (truncated?)");
        }
    }

    private TokenizerException bad(String found) {
        return new TokenizerException(at() + found + ", expected a SentencePiece model (protobuf)");
    }

    private String at() {
        return source + ": ";
    }
}
