package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.LoadMode;
import io.github.mixtral4j.checkpoint.LoadProgress;

/// How to load a model.
///
/// @param mode how the weights get into memory
/// @param progress hears how far a copy is
/// @param expertsPerToken experts the router picks for a token, or 0 for as many as the checkpoint says
/// @param contextLength positions, or 0 for as many as the checkpoint says; files made from the first release of 8x22B
///     say too few
public record LoadOptions(LoadMode mode, LoadProgress progress, int expertsPerToken, int contextLength) {
    /// Mapped and moved into huge pages, as the checkpoint says.
    public static final LoadOptions DEFAULT = new LoadOptions(LoadMode.AUTO, LoadProgress.NONE, 0, 0);

    /// @throws IllegalArgumentException if a number is negative
    public LoadOptions {
        if (expertsPerToken < 0) {
            throw new IllegalArgumentException("experts per token must be >= 0, got " + expertsPerToken);
        }
        if (contextLength < 0) {
            throw new IllegalArgumentException("context length must be >= 0, got " + contextLength);
        }
    }

    /// The same with another mode.
    public LoadOptions withMode(LoadMode other) {
        return new LoadOptions(other, progress, expertsPerToken, contextLength);
    }

    /// The same with someone who hears of progress.
    public LoadOptions withProgress(LoadProgress other) {
        return new LoadOptions(mode, other, expertsPerToken, contextLength);
    }

    /// The same with `k` experts per token.
    public LoadOptions withExpertsPerToken(int k) {
        return new LoadOptions(mode, progress, k, contextLength);
    }

    /// The same with another context length.
    public LoadOptions withContextLength(int positions) {
        return new LoadOptions(mode, progress, expertsPerToken, positions);
    }
}
