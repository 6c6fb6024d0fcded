package io.github.mixtral4j.train.model;

/// Samples packed into one sequence of rows; attention never crosses from one to the next. The arrays are owned by the
/// batch and not copied.
///
/// Example: samples `[1, 7, 9]` and `[1, 4]`, loss on all that is predicted, are tokens `1 7 9 1 4`, positions
/// `0 1 2 0 1`, starts `0 3` and weights `0 1 1 0 1`.
///
/// @param tokens token id of each row
/// @param positions position of each row in its sample
/// @param starts first row of each sample, ascending, the first 0
/// @param weights weight of predicting `tokens[i]` from what precedes it in its sample; 0 is no loss, and what stands
///     at the first row of a sample is not looked at. A negative weight makes the token less likely (DPO).
public record PackedBatch(int[] tokens, int[] positions, int[] starts, float[] weights) {
    /// @throws IllegalArgumentException if the arrays do not fit each other, or a sample is empty
    public PackedBatch {
        int rows = tokens.length;
        if (rows == 0 || positions.length != rows || weights.length != rows) {
            throw new IllegalArgumentException(
                    "a batch needs as many positions and weights as tokens, at least one: got " + rows + " tokens, "
                            + positions.length + " positions, " + weights.length + " weights");
        }
        if (starts.length == 0 || starts[0] != 0) {
            throw new IllegalArgumentException("the first sample of a batch must start at row 0");
        }
        for (int s = 1; s < starts.length; s++) {
            if (starts[s] <= starts[s - 1] || starts[s] >= rows) {
                throw new IllegalArgumentException("sample " + s + " of a batch of " + rows + " rows starts at row "
                        + starts[s] + " after one at " + starts[s - 1]);
            }
        }
    }

    /// Rows of all samples.
    public int rows() {
        return tokens.length;
    }

    /// Number of samples.
    public int samples() {
        return starts.length;
    }

    /// The row after the last of a sample.
    public int end(int sample) {
        return sample + 1 < starts.length ? starts[sample + 1] : tokens.length;
    }
}
