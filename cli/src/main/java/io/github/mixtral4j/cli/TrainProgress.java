package io.github.mixtral4j.cli;

import io.github.mixtral4j.train.loop.StepMetrics;
import io.github.mixtral4j.train.loop.TrainObserver;
import java.util.Locale;

/// How far a training is, on standard error: at a terminal one line that is written over, elsewhere a line every ten
/// seconds and one for every evaluation.
final class TrainProgress implements TrainObserver, AutoCloseable {
    private static final long INTERVAL_NANOS = 10_000_000_000L;
    /// Columns of the line that is written over. One that a narrow terminal breaks would not be.
    private static final int COLUMNS = 79;
    /// Longest and shortest bar.
    private static final int MOST_BAR = 20;

    private static final int LEAST_BAR = 4;

    private final Console console;
    private final boolean overwrite;
    private long firstNanos;
    private int stepsSeen;
    private long dueNanos = System.nanoTime();
    private int width;

    TrainProgress(Console console) {
        this.console = console;
        this.overwrite = console.isInteractive();
    }

    @Override
    public void message(String text) {
        endLine();
        console.message(text);
    }

    @Override
    public void reference(int pairs, int total) {
        show("reference: " + pairs + " of " + total + " pairs", pairs == total);
    }

    @Override
    public void step(StepMetrics metrics, int steps) {
        long now = System.nanoTime();
        if (stepsSeen++ == 0) {
            firstNanos = now;
        }
        boolean matters = metrics.step() == steps || metrics.evaluation().isPresent();
        show(line(metrics, steps, now), matters);
    }

    private String line(StepMetrics metrics, int steps, long now) {
        String step = "step " + metrics.step() + '/' + steps;
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, " loss %.4f", metrics.loss()));
        metrics.preferred()
                .ifPresent(share -> line.append(String.format(Locale.ROOT, ", preferred %.0f %%", 100 * share)));
        metrics.evaluation()
                .ifPresent(evaluated -> line.append(String.format(Locale.ROOT, ", evaluation %.4f", evaluated.loss())));
        line.append(String.format(Locale.ROOT, ", %,.0f tokens/s", metrics.tokensPerSecond()));
        if (metrics.imbalance() > 0) {
            line.append(String.format(Locale.ROOT, ", busiest expert %.2f x", metrics.imbalance()));
        }
        if (stepsSeen > 1) {
            double perStep = (now - firstNanos) / 1e9 / (stepsSeen - 1);
            line.append(", ")
                    .append(duration(perStep * (steps - metrics.step())))
                    .append(" left");
        }
        return step + bar(metrics.step(), steps, COLUMNS - step.length() - line.length()) + line;
    }

    /// A bar where it is written over and `room` for it is left.
    private String bar(int step, int steps, int room) {
        int length = Math.min(MOST_BAR, room - " []".length());
        if (!overwrite || length < LEAST_BAR) {
            return "";
        }
        int done = (int) ((long) length * step / steps);
        return " [" + "=".repeat(done) + " ".repeat(length - done) + ']';
    }

    private void show(String line, boolean matters) {
        long now = System.nanoTime();
        if (overwrite) {
            // What stays may be longer.
            String shown = matters || line.length() <= COLUMNS ? line : line.substring(0, COLUMNS);
            console.err().print("\r" + shown + " ".repeat(Math.max(0, width - shown.length())));
            console.err().flush();
            width = shown.length();
            if (matters) {
                endLine();
            }
        } else if (matters || now - dueNanos >= 0) {
            console.message(line);
            dueNanos = now + INTERVAL_NANOS;
        }
    }

    private void endLine() {
        if (width > 0) {
            console.err().println();
            width = 0;
        }
    }

    /// `45 s`, `12 min`, `3 h 20 min`.
    static String duration(double seconds) {
        long minutes = Math.round(seconds / 60);
        if (seconds < 90) {
            return Math.round(seconds) + " s";
        }
        return minutes < 90 ? minutes + " min" : minutes / 60 + " h " + minutes % 60 + " min";
    }

    @Override
    public void close() {
        endLine();
    }
}
