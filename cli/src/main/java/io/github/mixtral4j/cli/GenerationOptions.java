package io.github.mixtral4j.cli;

import io.github.mixtral4j.generate.GenerationRequest;
import io.github.mixtral4j.generate.GeneratorOptions;
import io.github.mixtral4j.generate.LocalGenerator;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;

/// A model that writes text, one request at a time: shared by the commands that generate.
final class GenerationOptions {
    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private TokenizerOption tokenizers;

    @Mixin
    private ModelOptions models;

    /// Opens a model to run.
    ///
    /// @param contextLength positions to allow instead of the model's own number, if given
    /// @throws IllegalArgumentException if an option's value is out of range, or makes no sense with this model
    OpenModel open(Console console, Path path, @Nullable Integer contextLength) throws IOException {
        sampling.check();
        return models.open(console, path, contextLength);
    }

    /// The tokenizer to use with a model.
    Tokenizer tokenizer(OpenModel model) throws IOException {
        return tokenizers.of(model.loaded());
    }

    /// Starts the loop over a model, which stays the caller's, to be closed afterwards.
    LocalGenerator start(OpenModel model, Tokenizer tokenizer) throws IOException {
        GeneratorOptions sizes = GeneratorOptions.of(model.config().contextLength())
                .withCacheType(models.kvType())
                .withMaxRunning(1);
        return LocalGenerator.start(model.model(), tokenizer, model.loaded().eosIds(tokenizer), sizes);
    }

    /// The request to complete `prompt` in the way that was asked for.
    GenerationRequest request(int... prompt) {
        return sampling.request(prompt);
    }
}
