package io.github.mixtral4j.cli.synth;

import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import java.util.List;

/// The geometry of a published model, or of one small enough for a test.
///
/// @param name as in `--preset`
/// @param title for `general.name`
/// @param config all layers, and the vocabulary size of the published model
public record Preset(String name, String title, MixtralConfig config) {
    private static final List<Preset> ALL = List.of(
            new Preset("8x22b", "Mixtral 8x22B", config(6144, 16384, 56, 48, 8, 128, 32768, 65536)),
            new Preset("8x7b", "Mixtral 8x7B", config(4096, 14336, 32, 32, 8, 128, 32000, 32768)),
            new Preset("tiny", "Mixtral tiny", config(256, 512, 2, 8, 2, 32, 2048, 4096)));

    /// The preset of this name.
    ///
    /// @throws IllegalArgumentException naming all presets
    public static Preset of(String name) {
        return ALL.stream()
                .filter(p -> p.name.equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> {
                    String names =
                            String.join(", ", ALL.stream().map(Preset::name).toList());
                    return new IllegalArgumentException("--preset must be one of " + names + ", got " + name);
                });
    }

    private static MixtralConfig config(
            int hiddenSize,
            int intermediateSize,
            int numLayers,
            int numHeads,
            int numKvHeads,
            int headDim,
            int vocabSize,
            int contextLength) {
        return new MixtralConfig(
                hiddenSize,
                intermediateSize,
                numLayers,
                numHeads,
                numKvHeads,
                headDim,
                vocabSize,
                8,
                2,
                contextLength,
                1e-5f,
                1e6f,
                RopeLayout.INTERLEAVED);
    }
}
