package io.github.mixtral4j.cli;

import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;

/// Turns the first Ctrl-C, or a request of the system to end, into a call, so that work can be brought to an end and
/// saved; the second one ends the process at once. As long as this is open.
final class StopSignals implements AutoCloseable {
    private static final int INTERRUPT = 2;
    private static final int TERMINATE = 15;

    private final Runnable stop;
    private final @Nullable Object interrupt;
    private final @Nullable Object terminate;
    private volatile int received;

    /// @param stop called once, on a thread of its own
    StopSignals(Runnable stop) {
        this.stop = stop;
        interrupt = Signals.register("INT", () -> receive(INTERRUPT));
        terminate = Signals.register("TERM", () -> receive(TERMINATE));
    }

    private void receive(int signal) {
        if (received != 0) {
            Runtime.getRuntime().halt(128 + signal);
        }
        received = signal;
        stop.run();
    }

    /// What a process ended by the signal would have returned; 130 if there was none.
    int exitCode() {
        return 128 + (received == 0 ? INTERRUPT : received);
    }

    @Override
    public void close() {
        Signals.unregister("INT", interrupt);
        Signals.unregister("TERM", terminate);
    }
}
