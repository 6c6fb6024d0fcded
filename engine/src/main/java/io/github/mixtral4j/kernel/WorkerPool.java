package io.github.mixtral4j.kernel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A fixed set of platform threads that share the tasks of one parallel loop at a time.
///
/// The calling thread works too, so a pool of `n` threads starts `n - 1`. Between loops the workers spin for a moment,
/// because the next loop of a forward pass follows within microseconds, and then park. A loop allocates nothing.
///
/// Which thread runs which index is left open; a task must write only what belongs to its index, so that results do
/// not depend on the number of threads.
public final class WorkerPool implements AutoCloseable {
    /// One parallel loop's body.
    @FunctionalInterface
    public interface Task {
        /// Does the share of `index`.
        ///
        /// @param worker number of the running thread, 0 to threads - 1, to choose scratch memory by
        void run(int index, int worker);
    }

    /// Longer than the gap between two loops of a forward pass, shorter than what a user would notice in a CPU monitor.
    private static final long SPIN_NANOS = 100_000;

    /// Shares of a thread that a loop has at least, if it has so many tasks: no thread waits long for the others.
    private static final int SHARES = 64;

    private final Thread[] workers;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();
    private volatile int epoch;
    private volatile boolean closed;
    private @Nullable Task task;
    private int tasks;
    private volatile @Nullable Throwable failure;

    /// Starts the threads.
    ///
    /// @param threads threads that share a loop, the caller included; at least 1
    public WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1, got " + threads);
        }
        workers = new Thread[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            int worker = i + 1;
            workers[i] = Thread.ofPlatform()
                    .daemon()
                    .name("mixtral4j-worker-" + worker)
                    .start(() -> work(worker));
        }
    }

    /// Threads that share a loop, the caller included.
    public int threads() {
        return workers.length + 1;
    }

    /// Runs `body` for every index below `count` and returns when all are done. One loop at a time: calls from several
    /// threads queue, and a task must not start a loop itself.
    ///
    /// An exception of a task is rethrown here after the others have finished.
    public synchronized void run(int count, Task body) {
        if (closed) {
            throw new IllegalStateException("the worker pool is closed");
        }
        if (workers.length == 0 || count <= 1) {
            for (int i = 0; i < count; i++) {
                body.run(i, 0);
            }
            return;
        }
        task = body;
        tasks = count;
        next.set(0);
        running.set(workers.length);
        epoch++;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
        share(body, count, 0);
        while (running.get() > 0) {
            Thread.onSpinWait();
        }
        task = null;
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) thrown;
        }
    }

    private void share(Task body, int count, int worker) {
        try {
            // Several at a time where there are very many, which are small then: taking one costs as much as a row.
            int step = Math.max(1, count / (threads() * SHARES));
            for (int from = next.getAndAdd(step); from < count; from = next.getAndAdd(step)) {
                for (int i = from; i < Math.min(from + step, count); i++) {
                    body.run(i, worker);
                }
            }
        } catch (RuntimeException | Error e) {
            failure = e;
            next.set(count);
        }
    }

    private void work(int worker) {
        int seen = 0;
        while (true) {
            long spinUntil = System.nanoTime() + SPIN_NANOS;
            while (epoch == seen && !closed) {
                if (System.nanoTime() < spinUntil) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
            }
            if (closed) {
                return;
            }
            seen = epoch;
            Task body = task;
            if (body != null) {
                share(body, tasks, worker);
            }
            running.decrementAndGet();
        }
    }

    /// Ends the threads; a running loop finishes first.
    @Override
    public synchronized void close() {
        closed = true;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
    }
}
