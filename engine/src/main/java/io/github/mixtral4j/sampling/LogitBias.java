package io.github.mixtral4j.sampling;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/// Adds a number to the logits of chosen tokens; `-Infinity` bans a token.
final class LogitBias implements LogitsProcessor {
    private final Map<Integer, Double> added;
    private final int[] banned;

    LogitBias(Map<Integer, Double> biases) {
        banned = biases.entrySet().stream()
                .filter(e -> e.getValue() == Double.NEGATIVE_INFINITY)
                .mapToInt(Map.Entry::getKey)
                .sorted()
                .toArray();
        added = biases.entrySet().stream()
                .filter(e -> e.getValue() != Double.NEGATIVE_INFINITY)
                .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    @Override
    public void process(Candidates candidates) {
        added.forEach((token, bias) -> {
            int position = candidates.find(token);
            if (position >= 0) {
                candidates.setLogit(position, candidates.logit(position) + bias);
            }
        });
        if (banned.length > 0) {
            candidates.retain(i -> Arrays.binarySearch(banned, candidates.id(i)) < 0);
        }
    }
}
