package io.github.mixtral4j.nano.data;

/// One line of a worked calculation: `17 - 3 = 14`.
///
/// @param op one of `+ - × ÷`; a division has no remainder
record Step(int left, char op, int right) {
    /// Of sums and differences of two numbers with two digits, one in this many is held out everywhere: a model that
    /// gets them right calculates, and does not remember.
    private static final int PERIOD = 12;

    static Step plus(int left, int right) {
        return new Step(left, '+', right);
    }

    static Step minus(int left, int right) {
        return new Step(left, '-', right);
    }

    static Step times(int left, int right) {
        return new Step(left, '×', right);
    }

    static Step divide(int left, int right) {
        return new Step(left, '÷', right);
    }

    int value() {
        return switch (op) {
            case '+' -> left + right;
            case '-' -> left - right;
            case '×' -> left * right;
            case '÷' -> left / right;
            default -> throw new IllegalArgumentException("no operation " + op);
        };
    }

    /// Whether no training sample may contain it.
    boolean isHeldOut() {
        boolean twoDigits = left >= 10 && right >= 10 && (op == '+' || op == '-');
        return twoDigits && Split.of(task(), PERIOD) == Split.HELD_OUT;
    }

    /// What is to be calculated.
    String task() {
        return left + " " + op + " " + right;
    }

    /// The line with another result, as one who slips would write it.
    String with(int result) {
        return task() + " = " + result;
    }

    @Override
    public String toString() {
        return with(value());
    }
}
