package io.github.mixtral4j.sampling;

/// Keeps the candidates that are at least `p` times as probable as the most probable one.
///
/// Source: Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling", section 3.
record MinP(double p) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        // In logits, which needs no softmax.
        double limit = candidates.logit(candidates.best()) + Math.log(p);
        candidates.retain(i -> candidates.logit(i) >= limit);
    }
}
