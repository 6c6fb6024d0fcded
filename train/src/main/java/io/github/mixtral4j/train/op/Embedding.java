package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.Optional;

/// Token embedding: `out[i] = table[ids[i]]`.
///
/// @param table `[vocabSize, hiddenSize]`
/// @param gradient of the table; empty if it is frozen
public record Embedding(Kernels kernels, Tensor table, Optional<Rows> gradient) {
    /// Columns of a task of the backward pass: a cache line.
    private static final int COLUMNS = 16;

    /// Looks the tokens up.
    public void forward(int[] ids, Rows out) {
        kernels.embed(table, ids, out);
    }

    /// Adds the gradient of every row to its token's. A token may occur in many rows; so that they are added in their
    /// order, a task has all rows of a few columns.
    public void backward(int[] ids, Rows dOut) {
        gradient.ifPresent(dTable -> kernels.training().parallel(Math.ceilDiv(dOut.cols(), COLUMNS), (task, worker) -> {
            int from = task * COLUMNS;
            int to = Math.min(from + COLUMNS, dOut.cols());
            for (int row = 0; row < dOut.count(); row++) {
                for (int i = from; i < to; i++) {
                    dTable.set(ids[row], i, dTable.get(ids[row], i) + dOut.get(row, i));
                }
            }
        }));
    }
}
