package io.github.mixtral4j.cli.merge;

import io.github.mixtral4j.checkpoint.LoadProgress;
import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.checkpoint.TensorSink;
import io.github.mixtral4j.checkpoint.TensorSource;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.model.Adaptation;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MergedMatrix;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/// The tensors of a file with changes merged into them.
///
/// A matrix of the model is a tensor of the file or lies inside one (an expert in a stack, gate and up side by side);
/// where, its address tells. So no name has to be known here.
final class MergedTensors implements TensorSource {
    private static final long CHUNK_BYTES = 4L << 20;

    /// A changed matrix in a tensor of the file.
    ///
    /// @param offset of its first byte in the tensor
    private record Part(long offset, Tensor matrix, LowRank[] changes) {}

    private final Map<String, Tensor> tensors;
    private final Map<String, List<Part>> parts = new HashMap<>();
    private final LoadProgress progress;
    private final long totalBytes;
    private final AtomicLong written = new AtomicLong();

    MergedTensors(LoadedModel base, Adaptation adaptation, LoadProgress progress) {
        this.tensors = base.checkpoint().tensors();
        this.progress = progress;
        this.totalBytes = tensors.values().stream()
                .mapToLong(tensor -> tensor.data().byteSize())
                .sum();
        List<Tensor> ascending = tensors.values().stream()
                .sorted(Comparator.comparingLong(tensor -> tensor.data().address()))
                .toList();
        for (AdapterTarget target : AdapterTarget.all(base.config())) {
            Tensor matrix = target.in(base.weights());
            LowRank[] changes = adaptation.changesTo(matrix);
            if (changes.length > 0) {
                Tensor whole = around(matrix, ascending);
                long offset = matrix.data().address() - whole.data().address();
                parts.computeIfAbsent(whole.name(), name -> new ArrayList<>()).add(new Part(offset, matrix, changes));
            }
        }
        parts.values().forEach(list -> list.sort(Comparator.comparingLong(Part::offset)));
    }

    /// The tensor of the file in whose bytes those of a matrix lie.
    private static Tensor around(Tensor matrix, List<Tensor> ascending) {
        long start = matrix.data().address();
        int low = 0;
        for (int high = ascending.size() - 1; low < high; ) {
            int middle = (low + high + 1) >>> 1;
            if (ascending.get(middle).data().address() <= start) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return ascending.get(low);
    }

    long totalBytes() {
        return totalBytes;
    }

    int changed() {
        return parts.size();
    }

    @Override
    public void write(TensorInfo info, TensorSink sink) throws IOException {
        Tensor tensor = tensors.get(info.name());
        if (tensor == null) {
            throw new IllegalArgumentException("no tensor " + info.name());
        }
        long done = 0;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(Math.max(CHUNK_BYTES, tensor.rowBytes()), 64);
            for (Part part : parts.getOrDefault(info.name(), List.of())) {
                copy(tensor, done, part.offset, sink);
                merge(part, chunk, sink);
                done = part.offset + part.matrix.data().byteSize();
            }
        }
        copy(tensor, done, tensor.data().byteSize(), sink);
    }

    private void copy(Tensor tensor, long from, long to, TensorSink sink) throws IOException {
        for (long at = from; at < to; at += CHUNK_BYTES) {
            long length = Math.min(CHUNK_BYTES, to - at);
            sink.write(at, tensor.data().asSlice(at, length));
            report(length);
        }
    }

    private void merge(Part part, MemorySegment chunk, TensorSink sink) throws IOException {
        Tensor matrix = part.matrix;
        MergedMatrix merged = new MergedMatrix(matrix, part.changes);
        int step = (int) Math.clamp(chunk.byteSize() / matrix.rowBytes(), 1, matrix.rows());
        for (int row = 0; row < matrix.rows(); row += step) {
            int end = Math.min(row + step, matrix.rows());
            MemorySegment rows = chunk.asSlice(0, (end - row) * matrix.rowBytes());
            merged.encode(row, end, rows);
            sink.write(part.offset + row * matrix.rowBytes(), rows);
            report(rows.byteSize());
        }
    }

    private void report(long bytes) {
        progress.loaded(written.addAndGet(bytes), totalBytes);
    }
}
