package io.github.mixtral4j.sampling;

/// Subtracts the penalty once from the logit of every recent token, however often it occurs.
record PresencePenalty(double penalty, RecentTokens recent) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        for (int i = 0; i < candidates.count(); i++) {
            if (recent.count(candidates.id(i)) > 0) {
                candidates.setLogit(i, candidates.logit(i) - penalty);
            }
        }
    }

    @Override
    public void accept(int token) {
        recent.add(token);
    }

    @Override
    public LogitsProcessor fork() {
        return new PresencePenalty(penalty, recent.copy());
    }
}
