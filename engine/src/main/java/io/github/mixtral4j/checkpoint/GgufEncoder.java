package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// Writes the bytes that [GgufHeader] reads, version 3.
final class GgufEncoder {
    private static final int VERSION = 3;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private GgufEncoder() {}

    /// A header, not padded.
    ///
    /// @param offsets of the tensors, from the start of the data
    static byte[] header(Map<String, GgufValue> metadata, List<TensorInfo> tensors, long[] offsets) {
        GgufEncoder encoder = new GgufEncoder();
        encoder.int32(GgufHeader.MAGIC);
        encoder.int32(VERSION);
        encoder.int64(tensors.size());
        encoder.int64(metadata.size());
        metadata.forEach((key, value) -> {
            encoder.text(key);
            encoder.int32(value.type().id());
            encoder.value(value);
        });
        for (int i = 0; i < offsets.length; i++) {
            encoder.tensor(tensors.get(i), offsets[i]);
        }
        return encoder.out.toByteArray();
    }

    private void tensor(TensorInfo tensor, long offset) {
        text(tensor.name());
        Shape shape = tensor.shape();
        int32(shape.rank());
        for (int i = shape.rank() - 1; i >= 0; i--) {
            int64(shape.dim(i));
        }
        int32(tensor.dtype().ggmlId());
        int64(offset);
    }

    private void value(GgufValue value) {
        switch (value) {
            case GgufValue.Int(GgufType type, long bits) -> integer(type.minBytes(), bits);
            case GgufValue.Real(GgufType type, double real) -> {
                if (type == GgufType.FLOAT32) {
                    int32(Float.floatToRawIntBits((float) real));
                } else {
                    int64(Double.doubleToRawLongBits(real));
                }
            }
            case GgufValue.Bool(boolean bool) -> integer(1, bool ? 1 : 0);
            case GgufValue.Text(String text) -> text(text);
            case GgufValue.Array(GgufType elementType, List<GgufValue> elements) -> {
                int32(elementType.id());
                int64(elements.size());
                elements.forEach(this::value);
            }
        }
    }

    private void text(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        int64(utf8.length);
        out.writeBytes(utf8);
    }

    private void int32(int value) {
        integer(Integer.BYTES, value);
    }

    private void int64(long value) {
        integer(Long.BYTES, value);
    }

    /// The lowest `bytes` bytes of `value`, lowest first.
    private void integer(int bytes, long value) {
        out.write(
                ByteBuffer.allocate(Long.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array(),
                0,
                bytes);
    }
}
