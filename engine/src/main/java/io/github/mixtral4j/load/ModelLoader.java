package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import java.io.IOException;
import java.nio.file.Path;

/// Opens model files and finds everything a model needs in them.
///
/// ```
/// try (LoadedModel loaded = ModelLoader.load(path, LoadOptions.DEFAULT)) {
///     Mixtral model = new Mixtral(loaded.config(), loaded.weights(), kernels);
/// }
/// ```
public final class ModelLoader {
    private ModelLoader() {}

    /// Opens a model as it is.
    public static LoadedModel load(Path path) throws IOException {
        return load(path, LoadOptions.DEFAULT);
    }

    /// Opens a model.
    ///
    /// @param path as for [Checkpoint#open(Path)]
    /// @throws CheckpointException if the files contradict themselves, or hold a model this engine does not run
    /// @throws IllegalArgumentException if the options ask for more experts than the model has
    /// @throws IOException if a file cannot be read
    public static LoadedModel load(Path path, LoadOptions options) throws IOException {
        Checkpoint checkpoint = Checkpoint.open(path, options.mode(), options.progress());
        try {
            if (AdapterLoader.isAdapter(checkpoint)) {
                throw AdapterLoader.notAModel(checkpoint);
            }
            TensorNaming naming = TensorNaming.of(checkpoint);
            ModelConfig config = ModelConfig.read(checkpoint, naming);
            MixtralWeights weights = new WeightsReader(checkpoint, naming, config.numbers()).read(config.tied());
            return new LoadedModel(checkpoint, naming, apply(options, config.numbers()), weights);
        } catch (Throwable e) {
            checkpoint.close();
            throw e;
        }
    }

    private static MixtralConfig apply(LoadOptions options, MixtralConfig config) {
        int k = options.expertsPerToken();
        if (k > config.numExperts()) {
            throw new IllegalArgumentException(
                    "experts per token must be at most the model's " + config.numExperts() + ", got " + k);
        }
        MixtralConfig withK = k == 0 ? config : config.withExpertsPerToken(k);
        return options.contextLength() == 0 ? withK : withK.withContextLength(options.contextLength());
    }
}
