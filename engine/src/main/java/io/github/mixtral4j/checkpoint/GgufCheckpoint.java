package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An opened GGUF model: tensors of all its shards, and the metadata of the first.
public final class GgufCheckpoint implements Checkpoint {
    private final Arena arena;
    private final Path path;
    private final GgufMetadata metadata;
    private final Map<String, Tensor> tensors;
    private final long totalBytes;

    private GgufCheckpoint(
            Arena arena, Path path, GgufMetadata metadata, Map<String, Tensor> tensors, long totalBytes) {
        this.arena = arena;
        this.path = path;
        this.metadata = metadata;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.totalBytes = totalBytes;
    }

    /// Opens a GGUF file or, through any of its shards, a sharded model; see [Checkpoint#open(Path)].
    static GgufCheckpoint open(Path path, LoadMode mode, LoadProgress progress) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            // A mapping that only serves to read the header of a file that is copied may go when nothing refers to it.
            List<GgufShards.Shard> shards = GgufShards.open(path, mode == LoadMode.MMAP ? arena : Arena.ofAuto());
            List<WeightMemory.Range> ranges =
                    shards.stream().map(GgufCheckpoint::range).toList();
            List<MemorySegment> memory = WeightMemory.place(ranges, mode, arena, progress);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (int i = 0; i < shards.size(); i++) {
                for (LocatedTensor tensor : shards.get(i).header().tensors()) {
                    tensors.put(
                            tensor.info().name(),
                            tensor.in(memory.get(i), ranges.get(i).from()));
                }
            }
            GgufShards.Shard first = shards.getFirst();
            long bytes = shards.stream()
                    .mapToLong(shard -> shard.file().bytes().byteSize())
                    .sum();
            return new GgufCheckpoint(arena, first.file().path(), first.header().metadata(), tensors, bytes);
        } catch (Throwable e) {
            arena.close();
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
    public void close() {
        arena.close();
    }
}
