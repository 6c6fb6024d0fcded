package io.github.mixtral4j.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// A buffer outside the heap that grows to the largest size ever asked for, so that repeated steps allocate nothing.
/// One thread at a time.
final class Scratch implements AutoCloseable {
    private Arena arena = Arena.ofShared();
    private MemorySegment memory = MemorySegment.NULL;

    /// At least `floats` floats, aligned to a cache line; what was in it is lost when it grows.
    MemorySegment floats(long floats) {
        return bytes(floats * Float.BYTES);
    }

    /// The same by bytes.
    MemorySegment bytes(long bytes) {
        if (memory.byteSize() < bytes) {
            close();
            arena = Arena.ofShared();
            memory = arena.allocate(bytes, 64);
        }
        return memory;
    }

    /// C follows addresses without asking whether they are still there, so nothing must know the old one
    /// any more.
    @Override
    public void close() {
        memory = MemorySegment.NULL;
        arena.close();
    }
}
