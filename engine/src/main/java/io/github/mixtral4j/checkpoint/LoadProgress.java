package io.github.mixtral4j.checkpoint;

/// Hears how much of a checkpoint has been read while [LoadMode#COPY] loads it.
@FunctionalInterface
public interface LoadProgress {
    /// Ignores the news.
    LoadProgress NONE = (done, total) -> {};

    /// Called now and then from reading threads, one call at a time, with ascending `done`; last with `done == total`.
    ///
    /// @param done bytes read so far
    /// @param total bytes to read
    void loaded(long done, long total);
}
