package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Moves mapped weights into huge pages while they are in use: piece by piece, a thread reads the file into new memory
/// and puts its pages in the place of the mapping's. Addresses stay, so nobody else notices; what has not been moved,
/// or cannot be, is read through the mapping as before. The weights are resident once: a piece that has been moved
/// leaves the mapping.
final class HugePageMove implements AutoCloseable {
    private static final Logger LOG = System.getLogger(HugePageMove.class.getName());

    /// Bytes per piece: each is a mapping of its own afterwards, and Linux gives a process 65 530.
    private static final long PIECE = 32L << 20;
    /// Smaller models spend no time on misses of the address cache.
    private static final long WORTHWHILE = 256L << 20;
    /// What other programs may want meanwhile.
    private static final long RESERVE = 1L << 30;

    private final List<WeightMemory.Range> ranges;
    private final Thread thread;
    private volatile boolean stopped;
    private volatile long moved;

    /// Starts to move whatever the size.
    HugePageMove(List<WeightMemory.Range> ranges) {
        this.ranges = ranges;
        thread = Thread.ofPlatform().daemon().name("mixtral4j-huge-pages").start(this::run);
    }

    /// Starts to move, or returns null if that would bring nothing or memory is short.
    static @Nullable HugePageMove start(List<WeightMemory.Range> ranges) throws IOException {
        long total = ranges.stream().mapToLong(WeightMemory.Range::bytes).sum();
        boolean wanted =
                total >= WORTHWHILE && HugePages.available() && AvailableMemory.SYSTEM.suffices(total + RESERVE);
        return wanted ? new HugePageMove(ranges) : null;
    }

    private void run() {
        try {
            for (WeightMemory.Range range : ranges) {
                if (!move(range)) {
                    return;
                }
            }
        } catch (IOException | RuntimeException e) {
            LOG.log(Level.DEBUG, "the rest of the weights stays in the mapping", e);
        }
    }

    /// Moves whole pieces; the ends of a file, less than a piece, stay.
    private boolean move(WeightMemory.Range range) throws IOException {
        MemorySegment mapping = range.file().bytes();
        long start = Math.ceilDiv(mapping.address(), HugePages.HUGE_PAGE_BYTES) * HugePages.HUGE_PAGE_BYTES;
        try (FileChannel file = range.file().open()) {
            for (long at = start - mapping.address(); at + PIECE <= mapping.byteSize(); at += PIECE) {
                long from = at;
                // Asked anew every time: others may have taken what was there when the move began.
                if (stopped
                        || !AvailableMemory.SYSTEM.suffices(RESERVE + PIECE)
                        || !HugePages.replace(mapping.address() + at, PIECE, piece -> read(file, from, piece))) {
                    return false;
                }
                moved += PIECE;
            }
        }
        return true;
    }

    /// Bytes moved until now.
    long moved() {
        return moved;
    }

    /// Whether the whole piece could be read.
    private static boolean read(FileChannel file, long from, MemorySegment piece) throws IOException {
        ByteBuffer target = piece.asByteBuffer();
        while (target.hasRemaining()) {
            if (file.read(target, from + target.position()) < 0) {
                return false;
            }
        }
        return true;
    }

    /// Stops after the piece at hand. The mappings must not go before.
    @Override
    public void close() {
        stopped = true;
        await();
    }

    /// Waits until everything has been moved.
    void await() {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
