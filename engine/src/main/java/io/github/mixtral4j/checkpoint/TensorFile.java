package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// A file of a header and tensors in the writing: every tensor has its place before the first byte of it is known.
///
/// @param header from the start of the file
/// @param dataStart offset of the data in the file
/// @param tensors what the data are
/// @param offsets of the tensors, from the start of the data
/// @param dataBytes length of the data, padding included
record TensorFile(byte[] header, long dataStart, List<TensorInfo> tensors, long[] offsets, long dataBytes) {
    /// The JDK copies heap memory into a buffer of the size of the write, and a write takes at most 2 GiB.
    private static final long PIECE_BYTES = 8L << 20;

    /// Writes the file, replacing one of this name when complete.
    ///
    /// @param threads how many tensors are produced at once
    /// @throws IllegalArgumentException if the source writes more or less than a tensor has
    void write(Path file, int threads, TensorSource source) throws IOException {
        try (AtomicFile atomic = AtomicFile.create(file)) {
            FileChannel channel = atomic.channel();
            requireSpace(file, dataStart + dataBytes);
            writeAt(channel, 0, MemorySegment.ofArray(header));
            Parallel.forEach(IntStream.range(0, offsets.length).boxed().toList(), threads, i -> {
                Part part = new Part(channel, dataStart + offsets[i], tensors.get(i));
                source.write(part.tensor, part);
                part.checkComplete();
            });
            padTo(channel, dataStart + dataBytes);
            atomic.commit();
        }
    }

    /// Says so before hours of writing rather than after.
    private static void requireSpace(Path file, long bytes) throws IOException {
        long free = Files.getFileStore(file.toAbsolutePath().resolveSibling("")).getUsableSpace();
        if (free < bytes) {
            throw new IOException(String.format(
                    Locale.ROOT, "%s needs %.1f GiB of disk, %.1f GiB are free", file, bytes / 0x1p30, free / 0x1p30));
        }
    }

    /// Lengthens a file whose end was only padding; what was not written reads as zeros.
    private static void padTo(FileChannel channel, long size) throws IOException {
        if (channel.size() < size) {
            channel.write(ByteBuffer.allocate(1), size - 1);
        }
    }

    private static void writeAt(FileChannel channel, long position, MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += PIECE_BYTES) {
            ByteBuffer piece = bytes.asSlice(at, Math.min(PIECE_BYTES, bytes.byteSize() - at))
                    .asByteBuffer();
            while (piece.hasRemaining()) {
                channel.write(piece, position + at + piece.position());
            }
        }
    }

    /// The place of one tensor in the file.
    private static final class Part implements TensorSink {
        private final FileChannel channel;
        private final long start;
        private final TensorInfo tensor;
        private final AtomicLong written = new AtomicLong();

        Part(FileChannel channel, long start, TensorInfo tensor) {
            this.channel = channel;
            this.start = start;
            this.tensor = tensor;
        }

        @Override
        public void write(long offset, MemorySegment bytes) throws IOException {
            if (offset < 0 || bytes.byteSize() > tensor.bytes() - offset) {
                throw new IllegalArgumentException(tensor.name() + ": " + bytes.byteSize() + " bytes at " + offset
                        + " do not lie inside its " + tensor.bytes());
            }
            writeAt(channel, start + offset, bytes);
            written.addAndGet(bytes.byteSize());
        }

        void checkComplete() {
            if (written.get() != tensor.bytes()) {
                throw new IllegalArgumentException(
                        tensor.name() + ": expected " + tensor.bytes() + " bytes, the source wrote " + written);
            }
        }
    }
}
