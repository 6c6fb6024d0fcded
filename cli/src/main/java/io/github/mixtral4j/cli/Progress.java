package io.github.mixtral4j.cli;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/// Says on standard error how far a long transfer is, every two seconds. Threads may share it.
final class Progress {
    private static final long INTERVAL_NANOS = 2_000_000_000;

    private final Console console;
    private final String what;
    private final long total;
    private final long start = System.nanoTime();
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong nextReport = new AtomicLong(start + INTERVAL_NANOS);

    /// @param what the transfer, such as "writing out.gguf"
    /// @param total bytes in all
    Progress(Console console, String what, long total) {
        this.console = console;
        this.what = what;
        this.total = total;
    }

    /// Counts bytes as done.
    void add(long bytes) {
        long now = System.nanoTime();
        long count = done.addAndGet(bytes);
        long due = nextReport.get();
        if (now - due >= 0 && nextReport.compareAndSet(due, now + INTERVAL_NANOS)) {
            console.message(String.format(
                    Locale.ROOT,
                    "%s: %d %%, %.1f of %.1f GB, %.2f GB/s",
                    what,
                    total == 0 ? 100 : 100 * count / total,
                    count / 1e9,
                    total / 1e9,
                    count / 1e9 / ((now - start) / 1e9)));
        }
    }
}
