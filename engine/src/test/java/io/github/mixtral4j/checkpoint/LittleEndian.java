package io.github.mixtral4j.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// Collects little-endian values, right or wrong.
final class LittleEndian {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    LittleEndian int8(int value) {
        out.write(value);
        return this;
    }

    LittleEndian int16(int value) {
        return int8(value).int8(value >> 8);
    }

    LittleEndian int32(int value) {
        return int16(value).int16(value >> 16);
    }

    LittleEndian int64(long value) {
        return int32((int) value).int32((int) (value >> 32));
    }

    /// A GGUF string.
    LittleEndian text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return int64(utf8.length).raw(utf8);
    }

    LittleEndian raw(byte... bytes) {
        out.writeBytes(bytes);
        return this;
    }

    int size() {
        return out.size();
    }

    byte[] toBytes() {
        return out.toByteArray();
    }

    /// Overwrites eight bytes of `target`.
    static void putLong(byte[] target, int at, long value) {
        ByteBuffer.wrap(target).order(ByteOrder.LITTLE_ENDIAN).putLong(at, value);
    }
}
