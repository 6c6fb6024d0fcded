package io.github.mixtral4j.train.model;

import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.op.Router;
import java.lang.foreign.Arena;

/// What the forward pass of a layer leaves for its backward pass. The arena that it was allocated from owns it.
///
/// @param attentionIn the normed input of attention
/// @param q rotated queries
/// @param k rotated keys
/// @param heads what attention gives, before wo
/// @param logSums of the scores, `[rows, numHeads]`
/// @param middle the residual stream between attention and experts
/// @param ffnIn the normed input of the experts
/// @param logits of the router
/// @param gate `[slots, intermediateSize]`
/// @param up `[slots, intermediateSize]`
record Activations(
        Rows attentionIn,
        Rows q,
        Rows k,
        Rows v,
        Rows heads,
        Rows logSums,
        Rows middle,
        Rows ffnIn,
        Rows logits,
        Router router,
        Rows gate,
        Rows up) {

    static Activations allocate(MixtralConfig config, int maxRows, Arena arena) {
        int slots = maxRows * config.numExpertsPerToken();
        return new Activations(
                Rows.allocate(arena, maxRows, config.hiddenSize()),
                Rows.allocate(arena, maxRows, config.queryWidth()),
                Rows.allocate(arena, maxRows, config.kvWidth()),
                Rows.allocate(arena, maxRows, config.kvWidth()),
                Rows.allocate(arena, maxRows, config.queryWidth()),
                Rows.allocate(arena, maxRows, config.numHeads()),
                Rows.allocate(arena, maxRows, config.hiddenSize()),
                Rows.allocate(arena, maxRows, config.hiddenSize()),
                Rows.allocate(arena, maxRows, config.numExperts()),
                new Router(maxRows, config.numExperts(), config.numExpertsPerToken()),
                Rows.allocate(arena, slots, config.intermediateSize()),
                Rows.allocate(arena, slots, config.intermediateSize()));
    }

    void setCount(int rows) {
        for (Rows buffer : new Rows[] {attentionIn, q, k, v, heads, logSums, middle, ffnIn, logits}) {
            buffer.withCount(rows);
        }
    }

    void setSlots(int slots) {
        gate.withCount(slots);
        up.withCount(slots);
    }
}
