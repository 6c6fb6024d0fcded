package io.github.mixtral4j.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// Low-rank changes to some of the matrices of a model (LoRA). The tensors are borrowed.
///
/// @param name for messages
/// @param changes at most one per matrix; of wq and wk in the row order of the model it is for
public record Adapter(String name, Map<AdapterTarget, LowRank> changes) {
    public Adapter {
        changes = Collections.unmodifiableMap(new LinkedHashMap<>(changes));
    }

    /// The same adapter, `factor` times as strong; 0 switches it off, a negative factor turns it round.
    public Adapter times(float factor) {
        Map<AdapterTarget, LowRank> scaled = new LinkedHashMap<>();
        changes.forEach((target, change) -> scaled.put(target, change.times(factor)));
        return new Adapter(name, scaled);
    }

    /// Compares the adapter with the model it is to change.
    ///
    /// @throws IllegalArgumentException naming the first matrix that the model does not have, or not in this shape
    public void requireFits(MixtralConfig config) {
        changes.forEach((target, change) -> {
            if (!target.isIn(config)) {
                throw new IllegalArgumentException(name + ": changes " + target + ", which a model of "
                        + config.numLayers() + " layers and " + config.numExperts() + " experts does not have");
            }
            int rows = target.rows(config);
            int cols = target.cols(config);
            if (change.b().rows() != rows || change.a().cols() != cols) {
                throw new IllegalArgumentException(name + ": changes " + target + " as a matrix ["
                        + change.b().rows() + ", " + change.a().cols() + "]; in this model it is [" + rows + ", " + cols
                        + "]");
            }
        });
    }
}
