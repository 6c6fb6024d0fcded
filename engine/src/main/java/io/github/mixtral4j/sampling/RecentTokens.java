package io.github.mixtral4j.sampling;

import java.util.Arrays;

/// How often each token occurs among the last `window` tokens of the text: the memory of the penalties.
final class RecentTokens {
    private final int window;
    private int[] history = {};
    private int[] counts = {};
    private int size;

    /// @param window tokens remembered, at least 1; -1 remembers all
    RecentTokens(int window) {
        this.window = window < 0 ? Integer.MAX_VALUE : window;
    }

    RecentTokens copy() {
        var copy = new RecentTokens(window);
        copy.history = history.clone();
        copy.counts = counts.clone();
        copy.size = size;
        return copy;
    }

    void add(int token) {
        history = grow(history, size);
        counts = grow(counts, token);
        history[size++] = token;
        counts[token]++;
        if (size > window) {
            counts[history[size - 1 - window]]--;
        }
    }

    /// Occurrences of a token in the window.
    int count(int token) {
        return token < counts.length ? counts[token] : 0;
    }

    /// An array that has an element at `index`.
    private static int[] grow(int[] array, int index) {
        return index < array.length ? array : Arrays.copyOf(array, Math.max(index + 1, array.length * 2));
    }
}
