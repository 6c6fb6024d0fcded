package io.github.mixtral4j.load;

import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Takes the rows of wq or wk, or of an adapter's `b` for them, from one [RopeLayout] to the other.
///
/// With a head of 6 rows, interleaved rows `0 1 2 3 4 5` are half-split rows `0 2 4 1 3 5`: the first elements of the
/// pairs, then the second ones.
final class RopeRows {
    private RopeRows() {}

    /// The tensor in another order; itself if the orders are the same, else a copy outside the heap that
    /// lasts as long as something refers to it.
    static Tensor reorder(Tensor tensor, int headDim, RopeLayout from, RopeLayout to) {
        return reorder(tensor, headDim, from, to, Arena.ofAuto());
    }

    /// The tensor in another order; itself if the orders are the same, else a copy in `memory`.
    static Tensor reorder(Tensor tensor, int headDim, RopeLayout from, RopeLayout to, Arena memory) {
        if (from == to) {
            return tensor;
        }
        long rowBytes = tensor.rowBytes();
        MemorySegment rows = memory.allocate(tensor.data().byteSize(), 64);
        for (int row = 0; row < tensor.rows(); row++) {
            int within = row % headDim;
            int other = row
                    - within
                    + switch (from) {
                        case INTERLEAVED -> within / 2 + within % 2 * headDim / 2;
                        case HALF_SPLIT -> 2 * (within % (headDim / 2)) + within / (headDim / 2);
                    };
            MemorySegment.copy(tensor.data(), row * rowBytes, rows, other * rowBytes, rowBytes);
        }
        return new Tensor(tensor.name(), tensor.dtype(), tensor.shape(), rows);
    }
}
