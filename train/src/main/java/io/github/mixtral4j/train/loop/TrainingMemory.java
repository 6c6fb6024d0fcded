package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.checkpoint.AvailableMemory;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.loop.TrainConfig.Compute;
import java.io.IOException;
import java.util.Locale;
import java.util.OptionalLong;

/// The least memory that a training takes. Systems promise more than they have and kill whoever uses it: better to
/// refuse
/// before hours of reading and training.
final class TrainingMemory {
    /// Of a trained number: its value, its gradient and two moments, float32 each.
    private static final long BYTES_OF_PARAMETER = 4 * Float.BYTES;

    private TrainingMemory() {}

    /// Refuses a training for which there is no room.
    ///
    /// @throws TrainException with both figures and what needs less
    /// @throws IOException if the system's figures cannot be read
    static void require(TrainConfig config, MixtralConfig model, AvailableMemory memory) throws IOException {
        long least = leastBytes(config, model);
        OptionalLong available = memory.bytes();
        if (available.isPresent() && available.getAsLong() < least) {
            throw new TrainException(String.format(
                    Locale.ROOT,
                    "%s: this training needs at least %.1f GiB of memory, %.1f GiB are available; a smaller"
                            + " data.batch_tokens, recompute: true or lora need less",
                    config.file(),
                    least / 0x1p30,
                    available.getAsLong() / 0x1p30));
        }
    }

    /// What is allocated in any case: parameters unless an adapter is trained instead, and activations of one batch.
    static long leastBytes(TrainConfig config, MixtralConfig model) {
        long attention = 2L * model.hiddenSize() * (model.queryWidth() + model.kvWidth());
        long experts = 3L * model.numExperts() * model.hiddenSize() * model.intermediateSize();
        long parameters = 2L * model.vocabSize() * model.hiddenSize() + model.numLayers() * (attention + experts);
        long copies = config.compute() == Compute.BF16 ? Short.BYTES : 0;

        long row = 3L * model.hiddenSize() + 2L * (model.queryWidth() + model.kvWidth());
        row += 2L * model.numExpertsPerToken() * model.intermediateSize();
        long layers = config.recompute() ? 1 : model.numLayers();
        long stream = (model.numLayers() + 2L) * model.hiddenSize();
        return (config.lora().isPresent() ? 0 : parameters * (BYTES_OF_PARAMETER + copies))
                + config.data().batchTokens() * (row * layers + stream) * Float.BYTES;
    }
}
