package io.github.mixtral4j.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Writes safetensors files: a little-endian length, a JSON header with the type, shape and byte range of each tensor,
/// then the data.
///
/// Source: the safetensors format description; the index of shards as Hugging Face writes it.
public final class TinySafetensors {
    private TinySafetensors() {}

    /// Writes one file, replacing it if it is there.
    public static void write(Path file, List<RawTensor> tensors) throws IOException {
        List<String> entries = new ArrayList<>();
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (RawTensor tensor : tensors) {
            int start = data.size();
            data.writeBytes(tensor.bytes());
            entries.add("\"%s\": {\"dtype\": \"%s\", \"shape\": %s, \"data_offsets\": [%d, %d]}"
                    .formatted(tensor.name(), tensor.format(), Arrays.toString(tensor.dims()), start, data.size()));
        }
        byte[] header = ("{" + String.join(", ", entries) + "}").getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .array());
        out.writeBytes(header);
        data.writeTo(out);
        Files.write(file, out.toByteArray());
    }

    /// Writes `stem.safetensors`, or `shards` files `stem-00001-of-0000N.safetensors` with
    /// `stem.safetensors.index.json`.
    static void write(Path folder, String stem, List<RawTensor> tensors, int shards) throws IOException {
        if (shards == 1) {
            write(folder.resolve(stem + ".safetensors"), tensors);
            return;
        }
        List<String> index = new ArrayList<>();
        for (int s = 0; s < shards; s++) {
            String name = "%s-%05d-of-%05d.safetensors".formatted(stem, s + 1, shards);
            List<RawTensor> part = tensors.subList(s * tensors.size() / shards, (s + 1) * tensors.size() / shards);
            write(folder.resolve(name), part);
            part.forEach(t -> index.add("\"%s\": \"%s\"".formatted(t.name(), name)));
        }
        Files.writeString(
                folder.resolve(stem + ".safetensors.index.json"),
                "{\"metadata\": {}, \"weight_map\": {" + String.join(",\n", index) + "}}");
    }
}
