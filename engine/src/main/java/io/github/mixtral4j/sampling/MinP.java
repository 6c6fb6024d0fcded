package io.github.mixtral4j.sampling;

/// Keeps the candidates that are at least `p` times as probable as the most probable one.
///
/// Source: Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling", section 3.
final class MinP implements LogitsProcessor {
    /// The rule in logits, which needs no softmax: `logit >= max + ln p`.
    private final double logP;

    MinP(double p) {
        this.logP = Math.log(p);
    }

    @Override
    public void process(Candidates candidates) {
        double limit = candidates.logit(candidates.best()) + logP;
        candidates.retain(i -> candidates.logit(i) >= limit);
    }
}
