package io.github.mixtral4j.cli;

import io.github.mixtral4j.checkpoint.LoadProgress;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/// Says on standard error how far a long transfer is, every two seconds. Threads may share it.
final class Progress implements LoadProgress {
    private static final long INTERVAL_NANOS = 2_000_000_000;

    private final Console console;
    private final String what;
    private final long start = System.nanoTime();
    private final AtomicLong nextReport = new AtomicLong(start + INTERVAL_NANOS);

    /// @param what the transfer, such as "writing out.gguf"
    Progress(Console console, String what) {
        this.console = console;
        this.what = what;
    }

    @Override
    public void loaded(long done, long total) {
        long now = System.nanoTime();
        long due = nextReport.get();
        if (now - due >= 0 && nextReport.compareAndSet(due, now + INTERVAL_NANOS)) {
            console.message(String.format(
                    Locale.ROOT,
                    "%s: %d %%, %.1f of %.1f GB, %.2f GB/s",
                    what,
                    total == 0 ? 100 : 100 * done / total,
                    done / 1e9,
                    total / 1e9,
                    done / 1e9 / ((now - start) / 1e9)));
        }
    }
}
