package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.load.TensorNaming.Part;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/// What a checkpoint's config says about the model: the numbers, and whether the embedding is also the head.
///
/// @param numbers the architecture
/// @param tied whether the head is the embedding
record ModelConfig(MixtralConfig numbers, boolean tied) {
    private static final Logger LOG = System.getLogger(ModelConfig.class.getPackageName());

    /// Reads the config of a checkpoint.
    ///
    /// @throws CheckpointException if it is of another architecture, or a number is missing or out of range
    static ModelConfig read(Checkpoint checkpoint, TensorNaming naming) {
        IntSupplier rows =
                () -> checkpoint.tensor(naming.template(Part.EMBEDDING)).shape().dim(0);
        RopeLayout rope = naming.rope();
        return switch (checkpoint) {
            case GgufCheckpoint gguf -> {
                boolean tied = gguf.find(naming.template(Part.OUTPUT)).isEmpty();
                yield GgufConfig.read(gguf.name(), gguf.metadata(), rows, rope, tied);
            }
            case SafetensorsCheckpoint safetensors -> {
                JsonKeys keys = new JsonKeys(safetensors.layout().configName(), safetensors.config());
                yield switch (safetensors.layout()) {
                    case HUGGING_FACE -> HuggingFaceConfig.read(keys, rows, rope);
                    case MISTRAL -> MistralParams.read(keys, rows, rope);
                    case PEFT -> throw AdapterLoader.notAModel(safetensors);
                };
            }
        };
    }

    /// A config whose numbers come from this file, so that a number out of range is the file's fault.
    static ModelConfig of(String file, Supplier<MixtralConfig> numbers, boolean tied) {
        try {
            return new ModelConfig(numbers.get(), tied);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(file + ": " + e.getMessage(), e);
        }
    }

    /// The positions a model can use when its config has a sliding window.
    ///
    /// Mixtral was trained with full attention; early copies of its config give a window by mistake. Mistral 7B
    /// v0.1 has one, which this engine does not implement: within the window, full attention is the same.
    ///
    /// @param window positions, or 0 for none
    static int contextLength(String file, int contextLength, int window, boolean mixture) {
        if (window <= 0 || window >= contextLength) {
            return contextLength;
        }
        if (mixture) {
            LOG.log(Level.INFO, "{0}: sliding window {1,number,#} is ignored: Mixtral has none", file, window);
            return contextLength;
        }
        LOG.log(Level.INFO, "{0}: context limited to the sliding window of {1,number,#} positions", file, window);
        return window;
    }
}
