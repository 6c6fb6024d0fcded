package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.checkpoint.Names;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32C;

/// What a checkpoint of a model is recognized by without reading all of it: the length, the first and
/// the last MiB of each of its files. A model that was trained anew has the same shapes, and other
/// numbers at the end.
final class ModelMark {
    private static final int PART = 1 << 20;

    private ModelMark() {}

    /// @param model a file, or a folder with files of safetensors
    static String of(Path model) throws IOException {
        List<Path> files = Files.isDirectory(model)
                ? Folders.list(model).stream()
                        .filter(file -> Names.file(file).endsWith(".safetensors"))
                        .toList()
                : List.of(model);
        CRC32C checksum = new CRC32C();
        long length = 0;
        for (Path file : files) {
            try (FileChannel channel = FileChannel.open(file)) {
                length += channel.size();
                add(channel, 0, checksum);
                add(channel, Math.max(0, channel.size() - PART), checksum);
            }
        }
        return length + " bytes with checksum " + Long.toHexString(checksum.getValue());
    }

    private static void add(FileChannel channel, long position, CRC32C checksum) throws IOException {
        ByteBuffer part = ByteBuffer.allocate(PART);
        while (part.hasRemaining() && channel.read(part, position + part.position()) >= 0) {
            // Reads may be short.
        }
        checksum.update(part.flip());
    }
}
