package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An opened GGUF model: tensors of all its shards, and the metadata of the first.
public final class GgufCheckpoint implements Checkpoint {
    private final WeightMemory memory;
    private final Path path;
    private final GgufMetadata metadata;
    private final Map<String, Tensor> tensors;
    private final long totalBytes;

    private GgufCheckpoint(
            WeightMemory memory, Path path, GgufMetadata metadata, Map<String, Tensor> tensors, long totalBytes) {
        this.memory = memory;
        this.path = path;
        this.metadata = metadata;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.totalBytes = totalBytes;
    }

    /// Opens a GGUF file or, through any of its shards, a sharded model; see [Checkpoint#open(Path)].
    static GgufCheckpoint open(Path path, LoadMode mode, LoadProgress progress) throws IOException {
        WeightMemory memory = new WeightMemory(mode);
        try {
            List<GgufShards.Shard> shards = GgufShards.open(path, memory.mappings());
            List<WeightMemory.Range> ranges =
                    shards.stream().map(GgufCheckpoint::range).toList();
            List<MemorySegment> weights = memory.place(ranges, progress);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (int i = 0; i < shards.size(); i++) {
                for (LocatedTensor tensor : shards.get(i).header().tensors()) {
                    tensors.put(
                            tensor.info().name(),
                            tensor.in(weights.get(i), ranges.get(i).from()));
                }
            }
            GgufShards.Shard first = shards.getFirst();
            long bytes = shards.stream()
                    .mapToLong(shard -> shard.file().bytes().byteSize())
                    .sum();
            return new GgufCheckpoint(
                    memory, first.file().path(), first.header().metadata(), tensors, bytes);
        } catch (Throwable e) {
            memory.close();
            throw e;
        }
    }

    private static WeightMemory.Range range(GgufShards.Shard shard) {
        return new WeightMemory.Range(
                shard.file(), shard.header().dataStart(), shard.header().dataEnd());
    }

    /// The metadata of the file, or of the first shard.
    public GgufMetadata metadata() {
        return metadata;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    @Override
    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    @Override
    public long totalBytes() {
        return totalBytes;
    }

    @Override
    public void settle() {
        memory.settle();
    }

    @Override
    public void close() {
        memory.close();
    }
}
