package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// A tensor and where its bytes lie in its file.
///
/// @param offset of the first byte, from the start of the file
record LocatedTensor(TensorInfo info, long offset) {
    /// Offset after the last byte.
    long end() {
        return offset + info.bytes();
    }

    /// The tensor over memory that holds the file from `start` on.
    Tensor in(MemorySegment memory, long start) {
        return new Tensor(info.name(), info.dtype(), info.shape(), memory.asSlice(offset - start, info.bytes()));
    }
}
