package io.github.mixtral4j.train.op;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;

/// Memory for what lives between two lines of a forward or backward pass: made when first asked for, then used again.
/// The arena owns it. One thread.
public final class Buffers {
    private final Arena arena;
    private final int capacity;
    private final Map<String, Rows> buffers = new HashMap<>();

    /// Buffers of up to `capacity` rows.
    public Buffers(Arena arena, int capacity) {
        this.arena = arena;
        this.capacity = capacity;
    }

    /// A buffer of `rows` rows in use, with what was last in it. Whoever asks for the same use and width gets the same
    /// memory.
    ///
    /// @param use what for: two buffers of one width that are needed at the same time have different uses
    public Rows rows(String use, int rows, int cols) {
        return buffers.computeIfAbsent(use + cols, key -> Rows.allocate(arena, capacity, cols))
                .withCount(rows);
    }
}
