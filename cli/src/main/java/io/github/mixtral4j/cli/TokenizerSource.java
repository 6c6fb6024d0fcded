package io.github.mixtral4j.cli;

import io.github.mixtral4j.load.TokenizerLoader;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/// Where the tokenizer comes from, for the commands that need one and no model.
final class TokenizerSource {
    @Option(
            names = "--tokenizer",
            required = true,
            paramLabel = "PATH",
            description = "tokenizer.model, tokenizer.json, a GGUF file, or a model folder.")
    private Path path;

    /// Reads the tokenizer.
    Tokenizer open() throws IOException {
        return TokenizerLoader.open(path);
    }
}
