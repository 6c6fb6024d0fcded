package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.model.Adapter;

/// An adapter and its files. Owns the checkpoint: closing it invalidates the adapter's matrices.
public final class LoadedAdapter implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final Adapter adapter;

    LoadedAdapter(Checkpoint checkpoint, Adapter adapter) {
        this.checkpoint = checkpoint;
        this.adapter = adapter;
    }

    /// The changes, in the row order of the model they were loaded for.
    public Adapter adapter() {
        return adapter;
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
