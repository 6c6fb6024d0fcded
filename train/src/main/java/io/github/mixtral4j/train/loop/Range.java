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

    /// Whether the number is one of them, also when it has been rounded to the float that kernels take.
    boolean contains(double value) {
        float rounded = (float) value;
        return Float.isFinite(rounded)
                && switch (this) {
                    case POSITIVE -> rounded > 0;
                    case NOT_NEGATIVE -> value >= 0;
                    case FRACTION -> value >= 0 && rounded < 1;
                };
    }

    @Override
    public String toString() {
        return words;
    }
}
