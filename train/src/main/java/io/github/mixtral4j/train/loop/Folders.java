package io.github.mixtral4j.train.loop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Files and folders that appear whole or not at all, also when the power goes: written under another name,
/// forced to the disk, renamed. Leaves nothing to shutdown hooks, because a run that is told to end still
/// writes its last state.
final class Folders {
    /// What the names of unfinished files and folders end with.
    static final String UNFINISHED = ".tmp";

    private Folders() {}

    /// Writes a file, or replaces it.
    static void replace(Path file, ByteBuffer content) throws IOException {
        Path temporary = file.resolveSibling("." + file.getFileName() + UNFINISHED);
        try {
            write(temporary, content);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            force(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            Files.deleteIfExists(temporary);
            throw new IOException(file + ": cannot be written: " + e.getMessage(), e);
        }
    }

    /// Writes a text file, or replaces it.
    static void replace(Path file, String content) throws IOException {
        replace(file, StandardCharsets.UTF_8.encode(content));
    }

    /// Writes a new file and forces it to the disk.
    static void write(Path file, ByteBuffer content) throws IOException {
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            while (content.hasRemaining()) {
                channel.write(content);
            }
            channel.force(true);
        }
    }

    /// Renames a folder that is complete.
    static void publish(Path unfinished, Path folder) throws IOException {
        force(unfinished);
        Files.move(unfinished, folder, StandardCopyOption.ATOMIC_MOVE);
        force(folder.toAbsolutePath().getParent());
    }

    /// Forces the names in a folder to the disk, where the system can do that.
    @SuppressWarnings("EmptyCatch")
    private static void force(@Nullable Path folder) {
        if (folder != null) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            } catch (IOException e) {
                // Windows opens no folders.
            }
        }
    }

    /// Deletes a folder of files, or nothing if there is none.
    static void delete(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            for (Path file : list(folder)) {
                delete(file);
            }
        }
        Files.deleteIfExists(folder);
    }

    /// What is in a folder.
    static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }
}
