package io.github.mixtral4j.sampling;

/// Divides the logits by the temperature: below 1 the likely become likelier, above 1 all become more alike.
final class Temperature implements LogitsProcessor {
    private final double temperature;

    /// @param temperature above 0; see [Greedy] for 0
    Temperature(double temperature) {
        this.temperature = temperature;
    }

    @Override
    public void process(Candidates candidates) {
        // Relative to the best one, so that a tiny temperature pushes the others down and never the best one up.
        double max = candidates.logit(candidates.best());
        for (int i = 0; i < candidates.count(); i++) {
            candidates.setLogit(i, (candidates.logit(i) - max) / temperature);
        }
    }
}
