package io.github.mixtral4j.train.loop;

/// The numbers that make sense for a key of a config.
enum Range {
    POSITIVE("above 0"),
    NOT_NEGATIVE("of at least 0"),
    /// From 0 to 1, without 1.
    FRACTION("from 0 to below 1");

    private final String words;

    Range(String words) {
        this.words = words;
    }

    boolean contains(double value) {
        return Double.isFinite(value)
                && switch (this) {
                    case POSITIVE -> value > 0;
                    case NOT_NEGATIVE -> value >= 0;
                    case FRACTION -> value >= 0 && value < 1;
                };
    }

    @Override
    public String toString() {
        return words;
    }
}
