package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.checkpoint.SafetensorsLayout;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Opens LoRA adapters: folders as PEFT writes them, and GGUF files as llama.cpp reads them.
///
/// ```
/// try (LoadedModel base = ModelLoader.load(path);
///         LoadedAdapter lora = AdapterLoader.load(adapterPath, base.config())) {
///     Mixtral model = new Mixtral(base.config(), base.weights(), kernels, List.of(lora.adapter()));
/// }
/// ```
public final class AdapterLoader {
    private AdapterLoader() {}

    /// Opens an adapter for a model.
    ///
    /// @param path a folder with `adapter_config.json` and `adapter_model.safetensors`, one of these two files,
    ///     or a GGUF file of `general.type` "adapter"
    /// @param base the model it is to change; every matrix of the adapter must fit it
    /// @throws CheckpointException if it contradicts itself, does not fit the model, or needs more than low-rank
    ///     changes of attention, router and experts
    /// @throws IOException if a file cannot be read
    public static LoadedAdapter load(Path path, MixtralConfig base) throws IOException {
        Checkpoint checkpoint = Checkpoint.open(files(path));
        try {
            if (!isAdapter(checkpoint)) {
                throw new CheckpointException(checkpoint.name() + ": holds no adapter; expected a GGUF file whose "
                        + GgufAdapter.TYPE + " is \"adapter\", or adapter_model.safetensors with adapter_config.json");
            }
            Adapter adapter = switch (checkpoint) {
                case GgufCheckpoint gguf -> GgufAdapter.read(gguf, base);
                case SafetensorsCheckpoint safetensors -> PeftAdapter.read(safetensors, base);
            };
            adapter.changes().values().forEach(change -> requireFinite(checkpoint.name(), change));
            return new LoadedAdapter(checkpoint, adapter);
        } catch (Throwable e) {
            checkpoint.close();
            throw e;
        }
    }

    /// In a folder with a model and an adapter, the adapter is meant.
    private static Path files(Path path) {
        Path config = path.resolve(SafetensorsLayout.PEFT.configName());
        if (!Files.exists(config)) {
            return path;
        }
        if (Files.exists(path.resolve("adapter_model.bin"))
                && !Files.exists(path.resolve("adapter_model.safetensors"))) {
            throw new CheckpointException(path.resolve("adapter_model.bin")
                    + ": a PyTorch archive, which can run code; save the adapter as adapter_model.safetensors");
        }
        return config;
    }

    private static void requireFinite(String file, LowRank change) {
        try {
            change.requireFinite();
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file + ": " + e.getMessage(), e);
        }
    }

    /// Whether a checkpoint says that it holds no model but an adapter.
    public static boolean isAdapter(Checkpoint checkpoint) {
        return switch (checkpoint) {
            case GgufCheckpoint gguf ->
                gguf.metadata().has(GgufAdapter.TYPE)
                        && gguf.metadata().text(GgufAdapter.TYPE).equals("adapter");
            case SafetensorsCheckpoint safetensors -> safetensors.layout() == SafetensorsLayout.PEFT;
        };
    }

    static CheckpointException notAModel(Checkpoint checkpoint) {
        return new CheckpointException(checkpoint.name()
                + ": is an adapter, not a model; open the model it was made for and add the adapter to it (--adapter)");
    }
}
