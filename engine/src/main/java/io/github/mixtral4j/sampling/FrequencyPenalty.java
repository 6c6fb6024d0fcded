package io.github.mixtral4j.sampling;

/// Subtracts the penalty from the logit of a token once for each of its recent occurrences.
record FrequencyPenalty(double penalty, RecentTokens recent) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        for (int i = 0; i < candidates.count(); i++) {
            int occurrences = recent.count(candidates.id(i));
            if (occurrences > 0) {
                candidates.setLogit(i, candidates.logit(i) - penalty * occurrences);
            }
        }
    }

    @Override
    public void accept(int token) {
        recent.add(token);
    }

    @Override
    public LogitsProcessor fork() {
        return new FrequencyPenalty(penalty, recent.copy());
    }
}
