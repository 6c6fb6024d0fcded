package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.AtomicFolder;
import io.github.mixtral4j.checkpoint.GgufValue;
import io.github.mixtral4j.checkpoint.GgufWriter;
import io.github.mixtral4j.checkpoint.SafetensorsWriter;
import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.checkpoint.TensorSource;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes adapters so that [AdapterLoader], PEFT and llama.cpp read them. What was written computes the same as the
/// adapter it was written from; scales are stored in the form each container has for them.
public final class AdapterWriter {
    private AdapterWriter() {}

    /// Writes a folder in PEFT's form, matrices in the format they have.
    ///
    /// @param folder does not exist yet or is empty; it appears when it is complete
    /// @param config the model the adapter is for
    /// @param baseModel what PEFT is to load as the base: a name on the hub or a path
    /// @throws IllegalArgumentException if the adapter is not for this model, or a matrix is quantized
    /// @throws java.nio.file.FileAlreadyExistsException if the folder holds something
    /// @throws IOException if the disk is full or the folder cannot be written
    public static void writePeft(Path folder, Adapter adapter, MixtralConfig config, String baseModel)
            throws IOException {
        adapter.requireFits(config);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        adapter.changes().forEach((target, change) -> {
            String module = PeftAdapter.PREFIX + PeftAdapter.module(target, config, "block_sparse_moe");
            tensors.put(module + PeftAdapter.A, change.a());
            tensors.put(module + PeftAdapter.B, ordered(target, change.b(), config, RopeLayout.HALF_SPLIT));
        });
        List<TensorInfo> infos = tensors.entrySet().stream()
                .map(e -> new TensorInfo(
                        e.getKey(), e.getValue().dtype(), e.getValue().shape()))
                .toList();
        TensorSource source = (tensor, sink) -> sink.write(
                0, Optional.ofNullable(tensors.get(tensor.name())).orElseThrow().data());
        try (AtomicFolder atomic = AtomicFolder.create(folder)) {
            Files.writeString(
                    atomic.path().resolve("adapter_config.json"), PeftConfigText.of(adapter, config, baseModel));
            SafetensorsWriter.write(
                    atomic.path().resolve("adapter_model.safetensors"), Map.of("format", "pt"), infos, 1, source);
            atomic.commit();
        }
    }

    /// Writes a GGUF file in llama.cpp's form, matrices as F32. Experts that the adapter leaves alone are zeros in the
    /// stack of their layer, and pairs of a lower rank than others of the stack are filled up with zeros.
    ///
    /// @param config the model the adapter is for
    /// @throws IllegalArgumentException if the adapter is not for this model
    /// @throws IOException if the disk is full or the folder cannot be written
    public static void writeGguf(Path file, Adapter adapter, MixtralConfig config) throws IOException {
        adapter.requireFits(config);
        Map<AdapterTarget, LowRank> changes = new LinkedHashMap<>();
        adapter.changes()
                .forEach((target, change) -> changes.put(
                        target,
                        new LowRank(
                                change.a(),
                                ordered(target, change.b(), config, RopeLayout.INTERLEAVED),
                                change.scale())));
        GgufAdapterTensors tensors = new GgufAdapterTensors(changes, config);
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        metadata.put("general.architecture", GgufValue.text("llama"));
        metadata.put(GgufAdapter.TYPE, GgufValue.text("adapter"));
        metadata.put("general.name", GgufValue.text(adapter.name()));
        metadata.put("adapter.type", GgufValue.text("lora"));
        metadata.put(GgufAdapter.ALPHA, GgufValue.float32(tensors.alpha()));
        GgufWriter.write(file, metadata, tensors.infos(), 1, tensors);
    }

    private static Tensor ordered(AdapterTarget target, Tensor b, MixtralConfig config, RopeLayout to) {
        return target.isRotated() ? RopeRows.reorder(b, config.headDim(), config.rope(), to) : b;
    }
}
