package io.github.mixtral4j.sampling;

/// Divides the logits by the temperature: below 1 the likely become likelier, above 1 all become more alike.
record Temperature(double temperature) implements LogitsProcessor {
    @Override
    public void process(Candidates candidates) {
        // Relative to the best one, so that a tiny temperature pushes the others down and never the best one up.
        double max = candidates.logit(candidates.best());
        for (int i = 0; i < candidates.count(); i++) {
            candidates.setLogit(i, (candidates.logit(i) - max) / temperature);
        }
    }
}
