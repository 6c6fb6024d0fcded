package io.github.mixtral4j.sampling;

/// Nucleus sampling: keeps the fewest most probable candidates whose probabilities add up to `p`. The one that
/// reaches `p` stays; of equal ones, the lower ids stay.
///
/// Probabilities 0.5, 0.3, 0.2 with p = 0.6 keep the first two.
///
/// Source: Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1.
record TopP(double p) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        if (p < 1) {
            candidates.selection().keepHighestLogits(candidates, candidates.probabilities(), p);
        }
    }
}
