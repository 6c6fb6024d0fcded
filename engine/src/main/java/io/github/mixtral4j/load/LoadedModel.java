package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/// A model's config, weights and tokenizer. Owns the checkpoint: closing it invalidates the weights.
public final class LoadedModel implements AutoCloseable {
    private static final Logger LOG = System.getLogger(LoadedModel.class.getPackageName());

    private final Checkpoint checkpoint;
    private final TensorNaming naming;
    private final MixtralConfig config;
    private final MixtralWeights weights;

    LoadedModel(Checkpoint checkpoint, TensorNaming naming, MixtralConfig config, MixtralWeights weights) {
        this.checkpoint = checkpoint;
        this.naming = naming;
        this.config = config;
        this.weights = weights;
    }

    /// The opened files.
    public Checkpoint checkpoint() {
        return checkpoint;
    }

    /// What the tensors are called in them.
    public TensorNaming naming() {
        return naming;
    }

    /// The architecture, with the changes that were asked for.
    public MixtralConfig config() {
        return config;
    }

    /// The weights; views of the checkpoint's memory.
    public MixtralWeights weights() {
        return weights;
    }

    /// Reads the tokenizer that comes with the model, or empty if none does. Each call reads it anew.
    ///
    /// @throws CheckpointException if it has more pieces than the model's vocabulary: ids without embedding
    /// @throws io.github.mixtral4j.tokenizer.TokenizerException if it is not one that can be used
    public Optional<Tokenizer> tokenizer() throws IOException {
        Optional<Tokenizer> tokenizer = TokenizerLoader.of(checkpoint, config.vocabSize());
        if (tokenizer.isPresent()) {
            int pieces = tokenizer.get().vocabSize();
            String sizes = checkpoint.name() + ": the tokenizer has " + pieces + " pieces, the model's vocabulary "
                    + config.vocabSize();
            if (pieces > config.vocabSize()) {
                throw new CheckpointException(sizes + "; expected at most as many. Is it the tokenizer of this model?");
            }
            if (pieces < config.vocabSize()) {
                LOG.log(Level.WARNING, sizes + "; ids from " + pieces + " on have no text");
            }
        }
        return tokenizer;
    }

    /// Ids with which the model ends its text: the tokenizer's, and those that its files declare besides, as
    /// fine-tunes do. Each call reads them anew.
    ///
    /// @throws CheckpointException if the files declare something else than ids
    /// @throws IOException if a file cannot be read
    public Set<Integer> eosIds(Tokenizer tokenizer) throws IOException {
        Set<Integer> ids = new HashSet<>(EosIds.of(checkpoint, config.vocabSize()));
        ids.add(tokenizer.eosId());
        return ids;
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
