package io.github.mixtral4j.sampling;

import java.util.Arrays;

/// Keeps the `k` candidates with the highest logits; of equal ones, the lower ids.
///
/// Source: Fan et al. 2018, "Hierarchical Neural Story Generation", section 5.2.
final class TopK implements LogitsProcessor {
    private final int k;
    private final Selection selection = new Selection();
    private double[] ones = {};

    TopK(int k) {
        this.k = k;
    }

    @Override
    public void process(Candidates candidates) {
        int count = candidates.count();
        if (k >= count) {
            return;
        }
        if (ones.length < count) {
            ones = new double[count];
            Arrays.fill(ones, 1);
        }
        selection.keepHighestLogits(candidates, ones, k);
    }
}
