package io.github.mixtral4j.checkpoint;

/// How the weights of a checkpoint get into memory.
public enum LoadMode {
    /// Mapped, and moved into huge pages while the model is already in use, where memory and the system allow it: no
    /// waiting, and soon as fast as [#COPY].
    AUTO,
    /// The files are mapped: opening takes no time, pages come from the disk when they are first touched, and other
    /// processes share them.
    MMAP,
    /// The weights are read into anonymous memory with huge pages before anything runs: slower to open, fewer misses of
    /// the address cache afterwards.
    COPY
}
