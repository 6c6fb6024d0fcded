package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/// A whole file, mapped read-only. Nothing is read until it is touched.
///
/// @param path the file
/// @param bytes the mapping; owned by the arena given to [#map]
/// @param key what the file is recognized by, whatever its name; null where files have no such thing
record MappedFile(Path path, MemorySegment bytes, @Nullable Object key) {

    /// Maps a file of any length.
    ///
    /// @throws CheckpointException if it is not a regular file
    /// @throws IOException if it cannot be read
    static MappedFile map(Path path, Arena arena) throws IOException {
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString(), null, "no such file");
        }
        if (!Files.isRegularFile(path)) {
            throw new CheckpointException(path + ": not a regular file");
        }
        Object key = key(path);
        try (FileChannel channel = open(path, key)) {
            long size = channel.size();
            MemorySegment mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            // The same memory as a segment of the class that allocations have: kernels then meet one class only, and
            // the compiler need not test for it at every load.
            return new MappedFile(
                    path,
                    MemorySegment.ofAddress(mapping.address())
                            .reinterpret(size, arena, null)
                            .asReadOnly(),
                    key);
        }
    }

    /// Opens the file to read it instead of the mapping.
    ///
    /// @throws CheckpointException if another file has its name now
    FileChannel open() throws IOException {
        return open(path, key);
    }

    private static FileChannel open(Path path, @Nullable Object key) throws IOException {
        FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
        // Asked after it was opened: what has this name now may only be newer than what was opened.
        if (!Objects.equals(key(path), key)) {
            channel.close();
            throw new CheckpointException(
                    path + ": replaced by another file while it was being opened or read; open it again");
        }
        return channel;
    }

    private static @Nullable Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    /// Name for messages.
    String name() {
        return Names.file(path);
    }

    /// Reads a header through the mapping.
    ///
    /// @param parser takes the name for messages and the bytes
    <T> T parse(BiFunction<String, MemorySegment, T> parser) {
        try {
            return parser.apply(name(), bytes);
        } catch (InternalError e) {
            // What the JVM throws for a page of the mapping that is no longer backed by the file.
            throw new CheckpointException(name() + ": the file was shortened while its header was read", e);
        }
    }
}
