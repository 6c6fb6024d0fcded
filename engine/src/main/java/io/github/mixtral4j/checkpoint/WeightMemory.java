package io.github.mixtral4j.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The memory of one opened model's weights: mapped files, which may be moved into huge pages, or copies.
final class WeightMemory implements AutoCloseable {
    /// Bytes per read: long enough for the disk, short enough to share out evenly and to report progress.
    private static final long CHUNK_BYTES = 16L << 20;

    /// A read blocks while the kernel copies, so even two cores want a few in flight; more than eight bring nothing.
    private static final int THREADS = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, 8);

    private final LoadMode mode;
    private final Arena arena = Arena.ofShared();
    private @Nullable HugePageMove move;

    WeightMemory(LoadMode mode) {
        this.mode = mode;
    }

    /// Owner of the mappings. One that only serves to read the header of a file that is copied may go when nothing
    /// refers to it.
    Arena mappings() {
        return mode == LoadMode.COPY ? Arena.ofAuto() : arena;
    }

    /// The weights of one file.
    ///
    /// @param from offset of the first byte
    /// @param to offset after the last
    record Range(MappedFile file, long from, long to) {
        long bytes() {
            return to - from;
        }
    }

    private record Chunk(MappedFile file, long offset, MemorySegment target) {}

    /// Read-only memory with the bytes of each range, in order. Valid until this object is closed.
    List<MemorySegment> place(List<Range> ranges, LoadProgress progress) throws IOException {
        return switch (mode) {
            case AUTO -> {
                move = HugePageMove.start(ranges);
                yield mapped(ranges);
            }
            case MMAP -> mapped(ranges);
            case COPY -> copy(ranges, arena, progress);
        };
    }

    private static List<MemorySegment> mapped(List<Range> ranges) {
        return ranges.stream()
                .map(range -> range.file().bytes().asSlice(range.from(), range.bytes()))
                .toList();
    }

    private static List<MemorySegment> copy(List<Range> ranges, Arena arena, LoadProgress progress) throws IOException {
        long total = ranges.stream().mapToLong(Range::bytes).sum();
        AvailableMemory.SYSTEM.require(Names.file(ranges.getFirst().file().path()), total);
        List<MemorySegment> copies = new ArrayList<>();
        List<Chunk> chunks = new ArrayList<>();
        for (Range range : ranges) {
            MemorySegment copy = HugePages.allocate(range.bytes(), arena);
            copies.add(copy.asReadOnly());
            for (long at = 0; at < range.bytes(); at += CHUNK_BYTES) {
                long length = Math.min(CHUNK_BYTES, range.bytes() - at);
                chunks.add(new Chunk(range.file(), range.from() + at, copy.asSlice(at, length)));
            }
        }
        Report report = new Report(total, progress);
        Parallel.forEach(chunks, THREADS, chunk -> {
            read(chunk);
            report.add(chunk.target().byteSize());
        });
        return copies;
    }

    private static void read(Chunk chunk) throws IOException {
        try (FileChannel channel = chunk.file().open()) {
            ByteBuffer target = chunk.target().asByteBuffer();
            while (target.hasRemaining()) {
                long at = chunk.offset() + target.position();
                if (channel.read(target, at) < 0) {
                    throw new EOFException(chunk.file().path() + ": shortened while it was read, to " + at + " bytes");
                }
            }
        }
    }

    /// Waits until the weights are where they stay.
    void settle() {
        if (move != null) {
            move.await();
        }
    }

    /// Frees the memory, after whoever still moves it has stopped.
    @Override
    public void close() {
        if (move != null) {
            move.close();
        }
        arena.close();
    }

    /// Adds up what the readers have done.
    private static final class Report {
        private final long total;
        private final LoadProgress progress;
        private long done;

        Report(long total, LoadProgress progress) {
            this.total = total;
            this.progress = progress;
        }

        synchronized void add(long bytes) {
            done += bytes;
            progress.loaded(done, total);
        }
    }
}
