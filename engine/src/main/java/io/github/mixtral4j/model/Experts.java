package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Rows;

/// Runs the chosen experts of a layer: in memory, or later paged from disk or on another machine.
interface Experts {
    /// `out[row] = Σ weight · expert(x[row])` over the experts that `routing` chose for the row, added in ascending
    /// order of the expert, so that a row's sum does not depend on the rest of the batch.
    void apply(MoeWeights weights, Routing routing, Rows x, Rows out, Workspace work);
}
