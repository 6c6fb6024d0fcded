package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.optim.AdamW;
import io.github.mixtral4j.train.optim.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// What one training run is to do. Read from YAML; every key of it is explained in `docs/reference/train.md`.
///
/// @param file where it stands
/// @param settings every value as it was written, by its whole key, such as `data.train[0]`
/// @param model what is trained
/// @param lora the adapter that is trained instead of the whole model, if any
/// @param data what it learns from
/// @param objective what it learns to do
/// @param losses what is added to the loss of the objective
/// @param optimizer how gradients become steps
/// @param schedule the learning rate of every step
/// @param length when the run ends
/// @param accumulation batches of a step
/// @param seed of random weights, the order of samples and dropout
/// @param compute format of the products
/// @param recompute whether activations are computed anew in the backward pass instead of being kept
/// @param evaluation how often, and when to give up
/// @param checkpoints how often, and how many are kept
/// @param export format of the matrices of the model that is written at the end
/// @param output folder of everything the run writes
public record TrainConfig(
        Path file,
        Map<String, String> settings,
        Model model,
        Optional<Lora> lora,
        Data data,
        Objective objective,
        Losses losses,
        Optimizer optimizer,
        Schedule schedule,
        Length length,
        int accumulation,
        long seed,
        Compute compute,
        boolean recompute,
        Evaluation evaluation,
        Checkpoints checkpoints,
        DType export,
        Path output) {

    /// What a run begins with.
    public sealed interface Model {
        /// The tokenizer to use instead of the one that comes with the model.
        Optional<Path> tokenizer();

        /// `v1` or `v3`; empty: what the vocabulary was made for.
        Optional<String> chatFormat();

        /// A checkpoint.
        record Base(Path path, Optional<Path> tokenizer, Optional<String> chatFormat) implements Model {}

        /// Random weights. Its vocabulary is that of the tokenizer.
        record New(NewModel sizes, Optional<Path> tokenizer, Optional<String> chatFormat) implements Model {}
    }

    /// The sizes of a new model, with Hugging Face's names.
    public record NewModel(
            int hiddenSize,
            int intermediateSize,
            int numLayers,
            int numHeads,
            int numKvHeads,
            int headDim,
            int numExperts,
            int numExpertsPerToken,
            int contextLength,
            float rmsNormEps,
            float ropeTheta) {
        /// The model with a vocabulary.
        public MixtralConfig withVocabulary(int vocabSize) {
            return new MixtralConfig(
                    hiddenSize,
                    intermediateSize,
                    numLayers,
                    numHeads,
                    numKvHeads,
                    headDim,
                    vocabSize,
                    numExperts,
                    numExpertsPerToken,
                    contextLength,
                    rmsNormEps,
                    ropeTheta,
                    RopeLayout.HALF_SPLIT);
        }
    }

    /// An adapter of low rank.
    ///
    /// @param alpha the change counts `alpha / rank`
    /// @param dropout share of its inputs that are set to zero in training
    /// @param targets of `wq wk wv wo router gate_proj up_proj down_proj`
    /// @param experts the experts it changes; empty: all
    public record Lora(int rank, double alpha, double dropout, Set<String> targets, List<Integer> experts) {}

    /// A file of samples.
    ///
    /// @param repeat how many times an epoch goes through it
    public record Source(Path path, int repeat) {}

    /// Samples to train and to evaluate on.
    ///
    /// @param train JSONL files
    /// @param eval JSONL files that are never trained on
    /// @param evalFraction share of the training samples that is taken away for evaluation
    /// @param evalSamples most samples that an evaluation looks at
    /// @param sequenceLength longest sample, in tokens
    /// @param batchTokens most tokens of a batch
    public record Data(
            List<Source> train,
            List<Path> eval,
            double evalFraction,
            int evalSamples,
            int sequenceLength,
            int batchTokens) {}

    /// What the model learns.
    public sealed interface Objective {
        /// To predict the next token of texts and of an assistant's turns.
        record NextToken() implements Objective {}

        /// To prefer one reply to another (DPO).
        ///
        /// @param beta how dear it is to leave the reference
        /// @param labelSmoothing how probable it is that a preference is the wrong way round
        record Preference(double beta, double labelSmoothing) implements Objective {}
    }

    /// Coefficients of the router's losses, and what tokens weigh; 0 leaves one out.
    ///
    /// @param perLayer whether the load is balanced in every layer rather than over all of them
    /// @param prompt weight of what the assistant does not say, if a token that it says has 1
    public record Losses(double loadBalancing, boolean perLayer, double routerZ, double prompt) {}

    /// AdamW and what happens to gradients before it.
    ///
    /// @param clipNorm longest gradient; a longer one is made shorter. 0: as long as it is
    public record Optimizer(double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {
        AdamW.Settings settings() {
            return new AdamW.Settings(beta1, beta2, epsilon, weightDecay);
        }
    }

    /// When a run ends.
    public sealed interface Length {
        /// After so many steps.
        record Steps(int count) implements Length {}

        /// When every sample has been seen so often.
        record Epochs(int count) implements Length {}
    }

    /// Format of the weights that products read.
    public enum Compute {
        BF16,
        F32
    }

    /// @param every steps between two evaluations; 0: none but at the end
    /// @param patience evaluations without an improvement after which the run ends; empty: it never gives up
    public record Evaluation(int every, OptionalInt patience) {}

    /// @param every steps between two checkpoints
    /// @param keep how many are kept
    public record Checkpoints(int every, int keep) {}

    /// Reads a config.
    ///
    /// @throws TrainException if it is not YAML, has keys that there are not, or values out of range; the
    ///     message names the line
    /// @throws IOException if the file cannot be read
    public static TrainConfig read(Path file) throws IOException {
        return TrainConfigReader.read(file);
    }
}
