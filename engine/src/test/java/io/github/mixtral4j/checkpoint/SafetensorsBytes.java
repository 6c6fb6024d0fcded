package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// Builds safetensors files from the text of their header, so that any part of it can be wrong.
final class SafetensorsBytes {
    private SafetensorsBytes() {}

    /// A file with this header and `dataBytes` bytes of data, byte i of it being [GgufBytes#data(int)].
    static byte[] build(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        LittleEndian out = new LittleEndian().int64(json.length).raw(json);
        for (int i = 0; i < dataBytes; i++) {
            out.int8(GgufBytes.data(i));
        }
        return out.toBytes();
    }

    static Path write(Path file, String header, int dataBytes) throws IOException {
        return Files.write(file, build(header, dataBytes));
    }

    /// `"name":{…}` of a header.
    static String entry(String name, String dtype, String shape, long begin, long end) {
        return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                .formatted(name, dtype, shape, begin, end);
    }
}
