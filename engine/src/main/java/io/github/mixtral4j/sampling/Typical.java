package io.github.mixtral4j.sampling;

/// Locally typical sampling: keeps the candidates whose surprise `-ln p` is nearest to the entropy of the whole
/// distribution, until their probabilities add up to `mass`. The one that reaches it stays; of equally near ones, the
/// lower ids stay. The most probable candidate may be dropped.
///
/// Source: Meister et al. 2023, "Locally Typical Sampling", section 4.
record Typical(double mass) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        if (mass >= 1) {
            return;
        }
        int count = candidates.count();
        double[] probabilities = candidates.probabilities();
        // ln p from the logits: the logarithm of a probability that underflowed to 0 would be infinite.
        int best = candidates.best();
        double max = candidates.logit(best);
        double lnBest = Math.log(probabilities[best]);
        double entropy = 0;
        for (int i = 0; i < count; i++) {
            entropy -= probabilities[i] * (candidates.logit(i) - max + lnBest);
        }
        float[] keys = candidates.selection().keys();
        for (int i = 0; i < count; i++) {
            keys[i] = (float) -Math.abs(candidates.logit(i) - max + lnBest + entropy);
        }
        candidates.selection().keepHighest(candidates, probabilities, mass);
    }
}
