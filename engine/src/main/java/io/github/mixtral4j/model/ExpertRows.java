package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;

/// The rows of one expert: views of the buffers that all experts of a step share.
///
/// @param in `[rows, hiddenSize]`, the gathered activations
/// @param gate `[rows, intermediateSize]`
/// @param up `[rows, intermediateSize]`
/// @param out `[rows, hiddenSize]`
record ExpertRows(Rows in, Rows gate, Rows up, Rows out) {
    /// Rows `[from, from + count)` of the shared buffers become this expert's.
    void place(int from, int count) {
        in.withRows(from, count);
        gate.withRows(from, count);
        up.withRows(from, count);
        out.withRows(from, count);
    }

    /// Copies the rows of `x` that go to the expert.
    void gather(Rows x, Routing routing, int expert) {
        for (int i = 0; i < in.count(); i++) {
            MemorySegment.copy(x.data(), x.offset(routing.row(expert, i)), in.data(), in.offset(i), x.rowBytes());
        }
    }

    /// Adds the expert's weighted results to the rows that they belong to.
    void scatter(Routing routing, int expert, Rows sum) {
        for (int i = 0; i < out.count(); i++) {
            int row = routing.row(expert, i);
            float weight = routing.weight(expert, i);
            for (int j = 0; j < sum.cols(); j++) {
                sum.set(row, j, sum.get(row, j) + weight * out.get(i, j));
            }
        }
    }
}
