package io.github.mixtral4j.cli;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.model.MixtralConfig;

/// A model that is ready to run; closing it ends its threads and releases its weights.
///
/// @param loaded the files
/// @param adapters what changes the weights
/// @param kernels what computes
/// @param model all of them together
record OpenModel(LoadedModel loaded, AdapterArgument.Opened adapters, Kernels kernels, Mixtral model)
        implements AutoCloseable {
    /// The architecture, with the changes that were asked for.
    MixtralConfig config() {
        return model.config();
    }

    @Override
    public void close() {
        try (loaded;
                adapters) {
            kernels.close();
        }
    }
}
