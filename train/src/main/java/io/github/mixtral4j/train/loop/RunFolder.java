package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.TrainException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The folder that a run writes to, for one process at a time: `checkpoints/`, `metrics.jsonl`,
/// `report.html`.
public final class RunFolder implements AutoCloseable {
    private final Path path;
    private final FileChannel lock;
    private final Checkpoints checkpoints;

    private RunFolder(Path path, FileChannel lock, int keep) {
        this.path = path;
        this.lock = lock;
        this.checkpoints = new Checkpoints(path.resolve("checkpoints"), keep);
    }

    /// Opens the folder of a run, and makes it if there is none.
    ///
    /// @param resume whether to go on with the run that is in it; if there is none, it begins
    /// @throws TrainException if another process trains there, or it holds a run that is not to be resumed
    public static RunFolder open(TrainConfig config, boolean resume) throws IOException {
        Path path = config.output();
        if (Files.exists(path) && !Files.isDirectory(path)) {
            throw new TrainException(path + ": not a folder; output has to be one");
        }
        Files.createDirectories(path);
        FileChannel channel =
                FileChannel.open(path.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (tryLock(channel) == null) {
                throw new TrainException(path + ": another process trains in this folder");
            }
            RunFolder folder = new RunFolder(path, channel, config.checkpoints().keep());
            Optional<Path> latest = folder.checkpoints.latest();
            if (latest.isPresent() && !resume) {
                throw new TrainException(path + ": holds a run already ("
                        + latest.get().getFileName() + "); go on with it by --resume, or name another output folder");
            }
            folder.checkpoints.clean();
            return folder;
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // by this process
        }
    }

    /// The folder itself.
    public Path path() {
        return path;
    }

    /// A line for every step.
    public Path metrics() {
        return path.resolve("metrics.jsonl");
    }

    /// Curves for people.
    public Path report() {
        return path.resolve("report.html");
    }

    Path reference() {
        return path.resolve("reference.f64");
    }

    Checkpoints checkpoints() {
        return checkpoints;
    }

    @Override
    public void close() throws IOException {
        lock.close();
    }
}
