package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// A file that appears whole or not at all: written under another name in the same folder, forced to the disk, then
/// renamed. Until [#commit()] the target is untouched; after a failure or Ctrl-C nothing is left behind.
public final class AtomicFile implements AutoCloseable {
    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    /// Ends with the JVM, so that an interrupted program leaves no 80 GB under a strange name.
    private final Thread cleanup;

    private AtomicFile(Path target, Path temporary, FileChannel channel) {
        this.target = target;
        this.temporary = temporary;
        this.channel = channel;
        this.cleanup = new Thread(() -> temporary.toFile().delete(), "remove " + temporary);
        try {
            Runtime.getRuntime().addShutdownHook(cleanup);
        } catch (IllegalStateException e) {
            // The JVM is on its way out. What it still has time to write is worth writing.
        }
    }

    /// Begins a file, in a folder that is there.
    ///
    /// @throws FileAlreadyExistsException if the target is a folder
    public static AtomicFile create(Path target) throws IOException {
        if (Files.isDirectory(target)) {
            throw new FileAlreadyExistsException(target.toString(), null, "is a folder");
        }
        Path temporary = target.resolveSibling("." + Names.file(target) + "."
                + ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime()) + ".tmp");
        return new AtomicFile(
                target,
                temporary,
                FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    }

    /// Writes a file whose content is at hand, or replaces it.
    ///
    /// @throws IOException if the disk is full or the folder cannot be written; the target is as it was
    public static void write(Path target, byte[] content) throws IOException {
        try (AtomicFile file = create(target)) {
            ByteBuffer rest = ByteBuffer.wrap(content);
            while (rest.hasRemaining()) {
                file.channel().write(rest);
            }
            file.commit();
        }
    }

    /// Where to write. Positional writes may come from several threads.
    public FileChannel channel() {
        return channel;
    }

    /// Makes the target what has been written, and lasting: after a loss of power, too, it is the old file
    /// or the new one.
    public void commit() throws IOException {
        channel.force(true);
        channel.close();
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        forceNames(target.toAbsolutePath().resolveSibling(""));
    }

    /// Takes the names in a folder to the disk, where the file may be without its new name until then.
    private static void forceNames(Path folder) {
        try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
            names.force(true);
        } catch (IOException e) {
            // Not every system opens folders (Windows does not), and the file is complete without this.
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(temporary);
        try {
            Runtime.getRuntime().removeShutdownHook(cleanup);
        } catch (IllegalStateException e) {
            // The JVM is on its way out and runs the hook itself.
        }
    }
}
