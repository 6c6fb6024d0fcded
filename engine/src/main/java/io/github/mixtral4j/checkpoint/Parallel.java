package io.github.mixtral4j.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/// Disk work on several items at once. Platform threads: reads and writes of files block their carrier anyway.
final class Parallel {
    private Parallel() {}

    /// Work on one item.
    @FunctionalInterface
    interface Task<T> {
        void run(T item) throws IOException;
    }

    /// Runs `task` on every item; items are begun in order, `threads` at a time. After a failure no further item is
    /// begun, and the failure is thrown when those under way have ended.
    static <T> void forEach(List<T> items, int threads, Task<T> task) throws IOException {
        AtomicInteger next = new AtomicInteger();
        Callable<Void> worker = () -> {
            for (int i = next.getAndIncrement(); i < items.size(); i = next.getAndIncrement()) {
                try {
                    task.run(items.get(i));
                } catch (Throwable e) {
                    next.set(items.size());
                    throw e;
                }
            }
            return null;
        };
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<Void>> results = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                results.add(pool.submit(worker));
            }
            for (Future<Void> result : results) {
                result.get();
            }
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw new IllegalStateException(e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
