package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// A folder that appears whole or not at all: filled under another name beside its target, then renamed. After a
/// failure or Ctrl-C nothing is left behind.
///
/// ```
/// try (AtomicFolder folder = AtomicFolder.create(target)) {
///     Files.writeString(folder.path().resolve("config.json"), json);
///     folder.commit();
/// }
/// ```
public final class AtomicFolder implements AutoCloseable {
    private final Path target;
    private final Path temporary;
    private final Thread cleanup;

    private AtomicFolder(Path target, Path temporary) {
        this.target = target;
        this.temporary = temporary;
        this.cleanup = new Thread(() -> deleteQuietly(temporary), "remove " + temporary);
        try {
            Runtime.getRuntime().addShutdownHook(cleanup);
        } catch (IllegalStateException e) {
            // As in AtomicFile: the JVM is on its way out, and close() still removes what is unfinished.
        }
    }

    /// Begins a folder.
    ///
    /// @throws FileAlreadyExistsException if the target exists and is not an empty folder
    public static AtomicFolder create(Path target) throws IOException {
        if (Files.exists(target) && !isEmptyFolder(target)) {
            throw new FileAlreadyExistsException(target.toString());
        }
        Path temporary = target.toAbsolutePath()
                .normalize()
                .resolveSibling("." + Names.file(target) + "."
                        + ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime()) + ".tmp");
        return new AtomicFolder(target, Files.createDirectory(temporary));
    }

    private static boolean isEmptyFolder(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return false;
        }
        try (Stream<Path> entries = Files.list(path)) {
            return entries.findAny().isEmpty();
        }
    }

    /// Where to put the files until then.
    public Path path() {
        return temporary;
    }

    /// Gives the folder its name.
    public void commit() throws IOException {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void close() {
        deleteQuietly(temporary);
        try {
            Runtime.getRuntime().removeShutdownHook(cleanup);
        } catch (IllegalStateException e) {
            // The JVM is on its way out and runs the hook itself.
        }
    }

    /// What cannot be deleted stays: there is nobody to tell, and a failure that led here must not be hidden.
    private static void deleteQuietly(Path folder) {
        List<Path> paths = new ArrayList<>();
        try (Stream<Path> walk = Files.walk(folder)) {
            walk.forEach(paths::add);
        } catch (IOException | UncheckedIOException e) {
            return; // renamed already
        }
        paths.reversed().forEach(path -> path.toFile().delete());
    }
}
