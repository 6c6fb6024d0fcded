package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/// Builds a GGUF file byte by byte without the engine's writer, so that any part of it can be wrong.
final class GgufBytes {
    private final LittleEndian pairs = new LittleEndian();
    private final LittleEndian tensors = new LittleEndian();
    private int version = 3;
    private long pairCount;
    private long tensorCount;
    private int alignment = 32;

    GgufBytes version(int number) {
        version = number;
        return this;
    }

    /// Pads the data to this; `general.alignment` is a pair of its own.
    GgufBytes alignment(int bytes) {
        alignment = bytes;
        return this;
    }

    /// Claims this many more pairs than there are.
    GgufBytes morePairs(long count) {
        pairCount += count;
        return this;
    }

    /// Claims this many more tensors than there are.
    GgufBytes moreTensors(long count) {
        tensorCount += count;
        return this;
    }

    GgufBytes pair(String key, int type, UnaryOperator<LittleEndian> value) {
        pairs.text(key).int32(type).raw(value.apply(new LittleEndian()).toBytes());
        pairCount++;
        return this;
    }

    GgufBytes text(String key, String value) {
        return pair(key, 8, out -> out.text(value));
    }

    GgufBytes uint16(String key, int value) {
        return pair(key, 2, out -> out.int16(value));
    }

    GgufBytes uint32(String key, int value) {
        return pair(key, 4, out -> out.int32(value));
    }

    /// @param extents innermost first, as in the file
    GgufBytes tensor(String name, int type, long offset, long... extents) {
        tensors.text(name).int32(extents.length);
        for (long extent : extents) {
            tensors.int64(extent);
        }
        tensors.int32(type).int64(offset);
        tensorCount++;
        return this;
    }

    /// The file with `dataBytes` bytes of data, byte i of it being [#data(int)].
    byte[] build(int dataBytes) {
        LittleEndian out = new LittleEndian()
                .raw("GGUF".getBytes(StandardCharsets.US_ASCII))
                .int32(version)
                .int64(tensorCount)
                .int64(pairCount)
                .raw(pairs.toBytes())
                .raw(tensors.toBytes());
        while (dataBytes > 0 && out.size() % alignment != 0) {
            out.int8(0);
        }
        for (int i = 0; i < dataBytes; i++) {
            out.int8(data(i));
        }
        return out.toBytes();
    }

    Path write(Path file, int dataBytes) throws IOException {
        return Files.write(file, build(dataBytes));
    }

    static byte data(int index) {
        return (byte) (index * 31 + (index >> 8));
    }
}
