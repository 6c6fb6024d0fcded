package io.github.mixtral4j.nano;

import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.load.ModelWriter;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/// Makes the file that ships of the model that was trained: GGUF with its matrices in Q8_0.
final class Packing {
    private static final String TITLE = "mixtral-nano of mixtral4j";

    private Packing() {}

    /// Packs a model.
    ///
    /// @param source a model with a tokenizer, in any format
    /// @param target the file to write
    /// @throws IllegalArgumentException if the source has no tokenizer
    /// @throws IOException if a file cannot be read or written
    static void pack(Path source, Path target) throws IOException {
        try (LoadedModel loaded = ModelLoader.load(source)) {
            Tokenizer tokenizer = loaded.tokenizer()
                    .orElseThrow(() -> new IllegalArgumentException(source + " has no tokenizer; it cannot be packed"));
            ModelWriter.writeGguf(
                    target, TITLE, loaded.config(), loaded.weights(), tokenizer.vocabulary(), DType.Q8_0, 1);
        }
    }
}
