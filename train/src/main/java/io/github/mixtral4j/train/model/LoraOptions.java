package io.github.mixtral4j.train.model;

import io.github.mixtral4j.model.AdapterTarget;
import java.util.Set;

/// Which matrices get a low-rank update, and of what kind.
///
/// @param rank inner width of the updates
/// @param alpha an update counts `alpha / rank`
/// @param dropout share of an update's inputs that are set to zero in training
/// @param kinds which matrices of a block
/// @param experts of which experts; empty means of all
/// @param seed of the random start
public record LoraOptions(
        int rank, float alpha, float dropout, Set<AdapterTarget.Kind> kinds, Set<Integer> experts, long seed) {
    /// @throws IllegalArgumentException if a number is out of range, or nothing would be trained
    public LoraOptions {
        kinds = Set.copyOf(kinds);
        experts = Set.copyOf(experts);
        if (rank < 1) {
            throw new IllegalArgumentException("the rank of an adapter must be at least 1, got " + rank);
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout must be at least 0 and below 1, got " + dropout);
        }
        if (!Float.isFinite(alpha)) {
            throw new IllegalArgumentException("alpha must be a finite number, got " + alpha);
        }
        if (kinds.isEmpty()) {
            throw new IllegalArgumentException("an adapter needs at least one matrix to change");
        }
    }

    /// Whether a matrix gets an update.
    public boolean includes(AdapterTarget target) {
        return kinds.contains(target.kind())
                && (!target.kind().isOfExpert() || experts.isEmpty() || experts.contains(target.expert()));
    }
}
