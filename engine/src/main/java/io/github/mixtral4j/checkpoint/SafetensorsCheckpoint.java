package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// An opened folder of safetensors, Hugging Face's, Mistral's or PEFT's: tensors of all its shards, and its config.
///
/// Formats other than F32, F16 and BF16 do not hinder opening; such a tensor is refused when it is asked for.
public final class SafetensorsCheckpoint implements Checkpoint {
    private final WeightMemory memory;
    private final SafetensorsLayout layout;
    private final Path folder;
    private final JsonNode config;
    private final Map<String, Tensor> tensors;
    private final Map<String, String> refused;
    private final Map<Path, List<String>> shards;
    private final long totalBytes;

    private SafetensorsCheckpoint(
            WeightMemory memory,
            ModelFiles.Safetensors files,
            JsonNode config,
            List<Shard> shards,
            Map<String, Tensor> tensors) {
        this.memory = memory;
        this.layout = files.layout();
        this.folder = files.folder();
        this.config = config;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.refused = new HashMap<>();
        this.shards = new LinkedHashMap<>();
        long bytes = 0;
        for (Shard shard : shards) {
            refused.putAll(shard.header().refused());
            this.shards.put(
                    shard.file().path(),
                    shard.header().tensors().stream()
                            .map(tensor -> tensor.info().name())
                            .toList());
            bytes += shard.file().bytes().byteSize();
        }
        this.totalBytes = bytes;
    }

    private record Shard(MappedFile file, SafetensorsHeader header) {
        WeightMemory.Range range() {
            return new WeightMemory.Range(file, header.dataStart(), file.bytes().byteSize());
        }
    }

    /// Opens the files of one model; see [Checkpoint#open(Path)].
    static SafetensorsCheckpoint open(ModelFiles.Safetensors files, LoadMode mode, LoadProgress progress)
            throws IOException {
        JsonNode config = Json.readConfig(files.folder().resolve(files.layout().configName()));
        WeightMemory memory = new WeightMemory(mode);
        try {
            Arena mappings = memory.mappings();
            List<Shard> shards = new ArrayList<>();
            for (Path path : files.shards()) {
                MappedFile file = MappedFile.map(path, mappings);
                shards.add(new Shard(file, file.parse(SafetensorsHeader::parse)));
            }
            checkNames(shards, files.index());
            List<MemorySegment> weights =
                    memory.place(shards.stream().map(Shard::range).toList(), progress);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            for (int i = 0; i < shards.size(); i++) {
                SafetensorsHeader header = shards.get(i).header();
                for (LocatedTensor tensor : header.tensors()) {
                    tensors.put(tensor.info().name(), tensor.in(weights.get(i), header.dataStart()));
                }
            }
            return new SafetensorsCheckpoint(memory, files, config, shards, tensors);
        } catch (Throwable e) {
            memory.close();
            throw e;
        }
    }

    /// No tensor stands in two shards, and each is where the index says.
    private static void checkNames(List<Shard> shards, Optional<SafetensorsIndex> index) {
        Map<String, String> owners = new HashMap<>();
        for (Shard shard : shards) {
            String file = shard.file().name();
            Stream.concat(
                            shard.header().tensors().stream()
                                    .map(tensor -> tensor.info().name()),
                            shard.header().refused().keySet().stream())
                    .forEach(tensor -> {
                        String other = owners.put(tensor, file);
                        if (other != null) {
                            throw new CheckpointException(file + ": tensor " + tensor + " is also in " + other);
                        }
                    });
        }
        index.ifPresent(promised -> promised.weightMap().forEach((tensor, file) -> {
            if (!file.equals(owners.get(tensor))) {
                throw new CheckpointException(
                        file + ": the index says that it holds " + tensor + ", but there is no such tensor");
            }
        }));
    }

    /// Whose folder it is.
    public SafetensorsLayout layout() {
        return layout;
    }

    /// The files of weights, each with the names of the tensors in it that can be read.
    public Map<Path, List<String>> shards() {
        return Collections.unmodifiableMap(shards);
    }

    /// Names of the tensors this engine cannot read, because of their format or because they are no vector
    /// or matrix; [#find] says of each why.
    public Set<String> unreadable() {
        return refused.keySet();
    }

    /// The content of the config file, a JSON object.
    public JsonNode config() {
        return config;
    }

    /// The content of another config of the folder, a JSON object, or empty if there is no such file.
    ///
    /// @throws CheckpointException if it is something else than a JSON object
    /// @throws IOException if it cannot be read
    public Optional<JsonNode> config(String name) throws IOException {
        Path file = folder.resolve(name);
        return Files.exists(file) ? Optional.of(Json.readConfig(file)) : Optional.empty();
    }

    /// The folder, where tokenizer files may lie beside the weights.
    @Override
    public Path path() {
        return folder;
    }

    @Override
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    @Override
    public Optional<Tensor> find(String name) {
        String reason = refused.get(name);
        if (reason != null) {
            throw new CheckpointException(reason);
        }
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
