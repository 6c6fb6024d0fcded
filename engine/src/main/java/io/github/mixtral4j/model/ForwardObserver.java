package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Rows;

/// Looks on while a forward pass runs: routing analysis, tests against a reference. Values are borrowed for the call
/// and change afterwards.
public interface ForwardObserver {
    /// Places in the forward pass, in order.
    enum Stage {
        /// Token embeddings; layer 0.
        EMBEDDING,
        /// The normalized input of attention.
        ATTENTION_NORM,
        /// Rotated queries.
        QUERY,
        /// Rotated keys.
        KEY,
        /// Values.
        VALUE,
        /// Heads' outputs, before the output projection.
        HEADS,
        /// The residual stream after attention.
        ATTENTION,
        /// The normalized input of the experts.
        FFN_NORM,
        /// The experts' weighted sum.
        FFN,
        /// The residual stream after the block.
        BLOCK,
        /// The normalized rows whose logits are wanted; layer is the number of layers.
        OUTPUT_NORM
    }

    /// `rows` as they stand after `stage` of `layer`.
    default void stage(Stage stage, int layer, Rows rows) {}

    /// The router's decision in a layer.
    ///
    /// @param logits `[rows, numExperts]`
    default void routing(int layer, Rows logits, Routing routing) {}
}
