package io.github.mixtral4j.checkpoint;

import java.io.IOException;
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
        Runtime.getRuntime().addShutdownHook(cleanup);
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

    /// Where to write. Positional writes may come from several threads.
    public FileChannel channel() {
        return channel;
    }

    /// Makes the target what has been written.
    public void commit() throws IOException {
        channel.force(true);
        channel.close();
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
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
