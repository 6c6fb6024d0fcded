package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Takes the data of one tensor. Safe for use by several threads.
@FunctionalInterface
public interface TensorSink {
    /// Writes `bytes` at `offset` of the tensor. Every byte of a tensor is written exactly once, in any order.
    ///
    /// @param bytes native memory or that of a byte array, borrowed during the call
    /// @throws IllegalArgumentException if they do not lie inside the tensor
    void write(long offset, MemorySegment bytes) throws IOException;
}
