package io.github.mixtral4j.nano;

import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.load.ModelWriter;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/// Makes a GGUF file of the model that was trained. The one that ships has its matrices in Q8_0.
final class Packing {
    private static final String TITLE = "mixtral-nano of mixtral4j";

    private Packing() {}

    /// Packs a model.
    ///
    /// @param source a model with a tokenizer, in any format
    /// @param target the file to write
    /// @param type format of the matrices
    /// @throws IllegalArgumentException if the source has no tokenizer
    /// @throws IOException if a file cannot be read or written
    static void pack(Path source, Path target, DType type) throws IOException {
        try (LoadedModel loaded = ModelLoader.load(source)) {
            Tokenizer tokenizer = loaded.tokenizer()
                    .orElseThrow(() -> new IllegalArgumentException(source + " has no tokenizer; it cannot be packed"));
            ModelWriter.writeGguf(target, TITLE, loaded.config(), loaded.weights(), tokenizer.vocabulary(), type, 1);
        }
    }
}
