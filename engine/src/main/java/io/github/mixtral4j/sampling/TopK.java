package io.github.mixtral4j.sampling;

/// Keeps the `k` candidates with the highest logits; of equal ones, the lower ids.
///
/// Source: Fan et al. 2018, "Hierarchical Neural Story Generation", section 5.2.
record TopK(int k) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        if (k < candidates.count()) {
            candidates.selection().keepHighestLogits(candidates, candidates.equalWeights(), k);
        }
    }
}
