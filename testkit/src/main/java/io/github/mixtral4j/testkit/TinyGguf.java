package io.github.mixtral4j.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Writes a GGUF file. Metadata values take the type of their Java object: `Integer` uint32, `Short` uint16, `Float`
/// float32, `Boolean`, `String`, and arrays `String[]`, `float[]`, `int[]` (int32).
///
/// | bytes | field |
/// |---|---|
/// | 0–3 | `GGUF` |
/// | 4–7 | version |
/// | 8–15 | number of tensors |
/// | 16–23 | number of metadata entries |
/// | 24… | entries: key, type, value; then tensors: name, extents (innermost first), type, offset; then the data |
///
/// Source: the GGUF specification (ggml, docs/gguf.md).
public final class TinyGguf {
    private static final int ALIGNMENT = 32;

    private static final int UINT16 = 2;
    private static final int UINT32 = 4;
    private static final int INT32 = 5;
    private static final int FLOAT32 = 6;
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private TinyGguf() {}

    /// Writes the file, replacing it if it is there.
    ///
    /// @param version 2 or 3
    public static void write(Path file, int version, Map<String, Object> metadata, List<RawTensor> tensors)
            throws IOException {
        TinyGguf gguf = new TinyGguf();
        gguf.out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        gguf.u32(version);
        gguf.u64(tensors.size());
        gguf.u64(metadata.size());
        metadata.forEach((key, value) -> {
            gguf.string(key);
            gguf.value(value);
        });
        long offset = 0;
        for (RawTensor tensor : tensors) {
            gguf.string(tensor.name());
            gguf.u32(tensor.dims().length);
            for (int d = tensor.dims().length - 1; d >= 0; d--) {
                gguf.u64(tensor.dims()[d]);
            }
            gguf.u32(tensor.format().ggufType);
            gguf.u64(offset);
            offset = aligned(offset + tensor.bytes().length);
        }
        gguf.pad();
        for (RawTensor tensor : tensors) {
            gguf.out.writeBytes(tensor.bytes());
            gguf.pad();
        }
        Files.write(file, gguf.out.toByteArray());
    }

    private void value(Object value) {
        switch (value) {
            case Integer i -> {
                u32(UINT32);
                u32(i);
            }
            case Short s -> {
                u32(UINT16);
                out.write(s);
                out.write(s >> 8);
            }
            case Float f -> {
                u32(FLOAT32);
                u32(Float.floatToRawIntBits(f));
            }
            case Boolean b -> {
                u32(BOOL);
                out.write(b ? 1 : 0);
            }
            case String s -> {
                u32(STRING);
                string(s);
            }
            case String[] strings -> {
                array(STRING, strings.length);
                for (String s : strings) {
                    string(s);
                }
            }
            case float[] floats -> {
                array(FLOAT32, floats.length);
                for (float f : floats) {
                    u32(Float.floatToRawIntBits(f));
                }
            }
            case int[] ints -> {
                array(INT32, ints.length);
                for (int i : ints) {
                    u32(i);
                }
            }
            default -> throw new IllegalArgumentException("no GGUF type for " + value.getClass());
        }
    }

    private void array(int elementType, int length) {
        u32(ARRAY);
        u32(elementType);
        u64(length);
    }

    private void string(String s) {
        byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
        u64(utf8.length);
        out.writeBytes(utf8);
    }

    private void u32(int value) {
        out.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    private void u64(long value) {
        out.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array());
    }

    private void pad() {
        out.writeBytes(new byte[(int) (aligned(out.size()) - out.size())]);
    }

    private static long aligned(long offset) {
        return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
