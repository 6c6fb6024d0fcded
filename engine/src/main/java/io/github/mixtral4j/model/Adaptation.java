package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/// What all adapters together change in the weights of a model: for each matrix the changes to it, in the order of the
/// adapters. The weights themselves stay as they are.
public final class Adaptation {
    private static final LowRank[] NONE = {};

    /// By identity: a matrix is looked up in every product of the forward pass.
    private final Map<Tensor, LowRank[]> changes = new IdentityHashMap<>();

    /// The changes of these adapters, without those that change nothing.
    ///
    /// @throws IllegalArgumentException if one is not for a model of this shape
    public static Adaptation of(MixtralConfig config, MixtralWeights weights, List<Adapter> adapters) {
        Map<Tensor, List<LowRank>> lists = new IdentityHashMap<>();
        for (Adapter adapter : adapters) {
            adapter.requireFits(config);
            adapter.changes().forEach((target, change) -> {
                if (!change.isZero()) {
                    lists.computeIfAbsent(target.in(weights), w -> new ArrayList<>())
                            .add(change);
                }
            });
        }
        Adaptation adaptation = new Adaptation();
        lists.forEach((w, list) -> adaptation.changes.put(w, list.toArray(LowRank[]::new)));
        return adaptation;
    }

    private Adaptation() {}

    /// The changes to a matrix of the weights, none if it stays what it is. The array must not be written.
    public LowRank[] changesTo(Tensor w) {
        return changes.isEmpty() ? NONE : changes.getOrDefault(w, NONE);
    }
}
