package io.github.mixtral4j.cli.merge;

import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.GgufValue;
import io.github.mixtral4j.checkpoint.GgufWriter;
import io.github.mixtral4j.checkpoint.LoadProgress;
import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.model.Adaptation;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes a model with adapters merged into it, in the container and with the tensors, formats, metadata and tokenizer
/// of the base. What no adapter changes is copied byte for byte.
public final class AdapterMerge {
    private final LoadedModel base;
    private final MergedTensors tensors;

    /// @param base the model, which stays untouched
    /// @param adapters in the strengths in which they are merged
    /// @param progress hears how many bytes of weights have been written
    /// @throws IllegalArgumentException if an adapter is not for a model of this shape
    public AdapterMerge(LoadedModel base, List<Adapter> adapters, LoadProgress progress) {
        this.base = base;
        Adaptation adaptation = Adaptation.of(base.config(), base.weights(), adapters);
        this.tensors = new MergedTensors(base, adaptation, progress);
    }

    /// Bytes of weights to write.
    public long totalBytes() {
        return tensors.totalBytes();
    }

    /// Tensors that adapters change.
    public int changedTensors() {
        return tensors.changed();
    }

    /// Writes a GGUF file for a GGUF base, else a folder. Nothing is left of it after a failure.
    ///
    /// @param out the file, replaced if it is there; or the folder, which must not hold anything
    /// @param threads tensors to merge at once
    /// @throws io.github.mixtral4j.checkpoint.CheckpointException if the base has tensors that cannot be read
    /// @throws IllegalArgumentException if a format cannot hold a merged number
    /// @throws IOException if the disk is full or the target cannot be written
    public void write(Path out, int threads) throws IOException {
        switch (base.checkpoint()) {
            case GgufCheckpoint gguf -> writeGguf(gguf, out, threads);
            case SafetensorsCheckpoint safetensors -> new MergedFolder(safetensors, tensors).write(out, threads);
        }
    }

    private void writeGguf(GgufCheckpoint gguf, Path out, int threads) throws IOException {
        Map<String, GgufValue> metadata = new LinkedHashMap<>(gguf.metadata().values());
        // Of several shards there is one file now.
        metadata.keySet().removeIf(key -> key.startsWith("split."));
        List<TensorInfo> infos =
                gguf.tensors().values().stream().map(AdapterMerge::info).toList();
        GgufWriter.write(out, metadata, infos, threads, tensors);
    }

    static TensorInfo info(Tensor tensor) {
        return new TensorInfo(tensor.name(), tensor.dtype(), tensor.shape());
    }
}
