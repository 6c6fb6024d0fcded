package io.github.mixtral4j.train.data;

import java.util.Arrays;

/// Tokens that are attended to together, and how much each counts in the loss. The arrays are owned by the
/// sample.
///
/// @param ids token ids
/// @param weights weight of predicting each from those before it; the first is never predicted
public record Sample(int[] ids, float[] weights) {
    /// Number of tokens.
    public int length() {
        return ids.length;
    }

    /// Tokens that count in the loss.
    public int trained() {
        int count = 0;
        for (int i = 1; i < weights.length; i++) {
            count += weights[i] != 0 ? 1 : 0;
        }
        return count;
    }

    /// The tokens `[from, to)`.
    Sample slice(int from, int to) {
        return new Sample(Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(weights, from, to));
    }

    /// The first tokens, if there are more than `length`.
    Sample cutTo(int length) {
        return length() <= length ? this : slice(0, length);
    }
}
