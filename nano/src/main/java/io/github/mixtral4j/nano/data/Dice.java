package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// Seeded choices. The same seed makes the same samples on every machine. For one thread.
final class Dice {
    private final SplittableRandom random;

    Dice(long seed) {
        random = new SplittableRandom(seed);
    }

    /// A number from `low` to `high`, both included.
    int between(int low, int high) {
        return random.nextInt(low, high + 1);
    }

    /// True that often: `chance(0.1)` in a tenth of all calls.
    boolean chance(double probability) {
        return nextDouble() < probability;
    }

    /// A number from 0 to below 1.
    double nextDouble() {
        return random.nextDouble();
    }

    /// One of them.
    @SafeVarargs
    final <T> T of(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    /// One of them.
    <T> T of(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    /// `count` different ones, in random order.
    /// @throws IllegalArgumentException if there are fewer
    <T> List<T> distinct(List<T> choices, int count) {
        if (choices.size() < count) {
            throw new IllegalArgumentException("asked for " + count + " of " + choices.size());
        }
        return List.copyOf(shuffled(choices).subList(0, count));
    }

    /// All of them in random order.
    <T> List<T> shuffled(List<T> choices) {
        List<T> order = new ArrayList<>(choices);
        for (int i = order.size() - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            T other = order.get(i);
            order.set(i, order.get(j));
            order.set(j, other);
        }
        return order;
    }
}
