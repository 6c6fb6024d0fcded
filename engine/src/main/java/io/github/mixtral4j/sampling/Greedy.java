package io.github.mixtral4j.sampling;

/// Keeps only the candidate with the highest logit, the lowest id among equals: what temperature 0 means.
record Greedy() implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        int best = candidates.best();
        candidates.retain(i -> i == best);
    }
}
