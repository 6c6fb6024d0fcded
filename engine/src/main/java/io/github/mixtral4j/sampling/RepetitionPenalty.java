package io.github.mixtral4j.sampling;

/// Divides the positive logits of recent tokens by the penalty and multiplies their negative ones by it. Above 1 it
/// makes repetition less likely. It is the one rule whose outcome changes when a constant is added to all logits.
///
/// Source: Keskar et al. 2019, "CTRL", section 4.1; the case of negative logits as in llama.cpp and Hugging Face.
record RepetitionPenalty(double penalty, RecentTokens recent) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        for (int i = 0; i < candidates.count(); i++) {
            if (recent.count(candidates.id(i)) > 0) {
                double logit = candidates.logit(i);
                candidates.setLogit(i, logit > 0 ? logit / penalty : logit * penalty);
            }
        }
    }

    @Override
    public void accept(int token) {
        recent.add(token);
    }

    @Override
    public LogitsProcessor fork() {
        return new RepetitionPenalty(penalty, recent.copy());
    }
}
