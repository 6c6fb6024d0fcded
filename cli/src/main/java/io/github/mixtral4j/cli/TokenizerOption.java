package io.github.mixtral4j.cli;

import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.TokenizerLoader;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Where the tokenizer of a model comes from, for the commands that turn text into tokens for it.
final class TokenizerOption {
    @Option(
            names = "--tokenizer",
            paramLabel = "PATH",
            description = "Tokenizer to use instead of the one that comes with the model: tokenizer.model,"
                    + " tokenizer.json, a GGUF file, or a model folder.")
    private @Nullable Path path;

    /// The tokenizer to use with a model.
    Tokenizer of(LoadedModel model) throws IOException {
        if (path == null) {
            return model.tokenizer()
                    .orElseThrow(() -> new CommandException(model.checkpoint().path()
                            + ": no tokenizer comes with this model; name one with --tokenizer"));
        }
        Tokenizer tokenizer = TokenizerLoader.open(path);
        int vocabSize = model.config().vocabSize();
        if (tokenizer.vocabSize() > vocabSize) {
            throw new CommandException(path + ": has " + tokenizer.vocabSize() + " pieces, but the model's vocabulary"
                    + " only " + vocabSize + "; it is not the tokenizer of this model");
        }
        return tokenizer;
    }
}
