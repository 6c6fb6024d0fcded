package io.github.mixtral4j.cli;

import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Finds the tokenizer of what the user names: a tokenizer file or a model.
final class Tokenizers {
    /// Names of tokenizer files in a model folder, the best source first.
    private static final List<String> NAMES = List.of("tokenizer.model", "tokenizer.model.v3", "tokenizer.json");

    private Tokenizers() {}

    /// Reads the tokenizer of a tokenizer file or model folder.
    static Tokenizer read(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return Tokenizer.read(path);
        }
        for (String name : NAMES) {
            Path file = path.resolve(name);
            if (Files.exists(file)) {
                return Tokenizer.read(file);
            }
        }
        throw new CommandException(path + ": no tokenizer in this folder; expected one of " + String.join(", ", NAMES));
    }
}
