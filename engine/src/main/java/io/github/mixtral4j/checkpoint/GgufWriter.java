package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
    private GgufWriter() {}

    /// Writes a file, replacing one of this name when complete.
    ///
    /// @param metadata in the order to write; `general.alignment` decides the padding, 32 when absent
    /// @param tensors in the order to write
    /// @param threads how many tensors are produced at once
    /// @throws IllegalArgumentException if the header would be one that cannot be read back, or the source writes
    ///     more or less than a tensor has
    /// @throws IOException if the disk is full or the folder cannot be written
    public static void write(
            Path file, Map<String, GgufValue> metadata, List<TensorInfo> tensors, int threads, TensorSource source)
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
        new TensorFile(header, dataStart, tensors, offsets, dataBytes).write(file, threads, source);
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
}
