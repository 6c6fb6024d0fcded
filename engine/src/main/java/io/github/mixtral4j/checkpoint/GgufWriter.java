package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// Writes GGUF files of any size, version 3.
///
/// Names, formats and shapes are known before the first byte, so the header comes first and every tensor has its
/// place; the data then arrive in any order, from any number of threads, in pieces as large as the producer likes:
///
/// ```
/// GgufWriter.write(path, metadata, tensors, threads, (tensor, sink) -> {
///     for (long at = 0; at < tensor.bytes(); at += chunk.byteSize()) {
///         sink.write(at, fill(chunk));
///     }
/// });
/// ```
/// The file appears under its name when it is complete and on the disk; until then it has another name in the same
/// folder, which is removed after a failure or Ctrl-C.
public final class GgufWriter {
    /// The JDK copies heap memory into a buffer of the size of the write, and a write takes at most 2 GiB.
    private static final long PIECE_BYTES = 8L << 20;

    private GgufWriter() {}

    /// Produces the data of tensors.
    @FunctionalInterface
    public interface Source {
        /// Writes all bytes of a tensor to `sink`. Called once for each tensor, from several threads at once when
        /// [GgufWriter#write] was given more than one.
        void write(TensorInfo tensor, Sink sink) throws IOException;
    }

    /// Takes the data of one tensor. Safe for use by several threads.
    @FunctionalInterface
    public interface Sink {
        /// Writes `bytes` at `offset` of the tensor. Every byte of a tensor is written exactly once, in any order.
        ///
        /// @param bytes native memory or that of a byte array, borrowed during the call
        /// @throws IllegalArgumentException if they do not lie inside the tensor
        void write(long offset, MemorySegment bytes) throws IOException;
    }

    /// Writes a file, replacing one of this name when complete.
    ///
    /// @param metadata in the order to write; `general.alignment` decides the padding, 32 when absent
    /// @param tensors in the order to write
    /// @param threads how many tensors are produced at once
    /// @throws IllegalArgumentException if the header would be one that cannot be read back, or the source writes
    ///     more or less than a tensor has
    /// @throws IOException if the disk is full or the folder cannot be written
    public static void write(
            Path file, Map<String, GgufValue> metadata, List<TensorInfo> tensors, int threads, Source source)
            throws IOException {
        long alignment = check(Names.file(file), metadata, tensors, threads);
        long[] offsets = new long[tensors.size()];
        long dataBytes = 0;
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = dataBytes;
            dataBytes = GgufHeader.align(Math.addExact(dataBytes, tensors.get(i).bytes()), alignment);
        }
        byte[] header = GgufEncoder.header(metadata, tensors, offsets);
        long dataStart = GgufHeader.align(header.length, alignment);
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

    /// @return the alignment
    private static long check(String file, Map<String, GgufValue> metadata, List<TensorInfo> tensors, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be positive, got " + threads);
        }
        if (Math.max(metadata.size(), tensors.size()) > GgufHeader.MAX_ENTRIES) {
            throw new IllegalArgumentException("at most " + GgufHeader.MAX_ENTRIES + " tensors and metadata pairs, got "
                    + tensors.size() + " and " + metadata.size());
        }
        Set<String> names = new HashSet<>();
        for (TensorInfo tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new IllegalArgumentException("tensor " + tensor.name() + " is given twice");
            }
            if (tensor.shape().rank() > GgufHeader.MAX_RANK) {
                throw new IllegalArgumentException(tensor.name() + ": GGUF has at most " + GgufHeader.MAX_RANK
                        + " dimensions, got " + tensor.shape());
            }
        }
        try {
            names.forEach(name -> Names.check(file, "tensor name", name));
            metadata.keySet().forEach(key -> Names.check(file, "metadata key", key));
            return GgufHeader.alignment(file, new GgufMetadata(file, metadata));
        } catch (CheckpointException e) {
            // What a reader would say of the file is here about the caller's values.
            throw new IllegalArgumentException(e.getMessage(), e);
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
    private static final class Part implements Sink {
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
