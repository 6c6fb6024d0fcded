package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// How fast this machine reads memory and how fast kernels multiply when memory does not hold them up: the two limits
/// of a forward pass. Each figure takes about a second, on all threads of the kernels at once.
///
/// Figures are the best of many passes, because whatever disturbs a pass makes it slower and nothing makes it faster.
/// A limit is what was reached here, by code like that of the kernels; the data sheet of the machine may promise more.
///
/// Source: Williams, Waterman and Patterson 2009, "Roofline: An Insightful Visual Performance Model for Multicore
/// Architectures".
public final class Roofline {
    /// Passes, and time, without a better one, after which the best is taken for the limit.
    private static final int PASSES = 10;

    private static final long NANOS = 300_000_000L;
    /// A machine that is too busy to compile a loop ends here.
    private static final long MOST_NANOS = 5_000_000_000L;
    /// Long against the start of a parallel loop, short enough to fall between two disturbances.
    private static final double PASS_SECONDS = 0.01;

    private Roofline() {}

    /// How a product is computed, which depends on the rows of activations.
    public enum Way {
        /// One row, as in decode.
        ONE_ROW,
        /// [#BATCH_ROWS] rows: sequences that decode together.
        BATCH,
        /// [#PROMPT_ROWS] rows: a long prompt.
        PROMPT
    }

    /// Rows of [Way#BATCH].
    public static final int BATCH_ROWS = 8;

    /// Rows of [Way#PROMPT]: what 512 tokens send to each of eight experts.
    public static final int PROMPT_ROWS = 128;

    /// Multiplications and additions per second of one way, on weights and activations that stay in the cache. What it
    /// takes to unpack weights of this format is included, what it takes to prepare activations is not.
    ///
    /// @param type format of the weights
    /// @param operationsPerSecond of all threads together; a multiply-add is two
    public record Peak(Way way, DType type, double operationsPerSecond) {}

    /// Bytes per second that all threads together read: the fastest of loads one after the other, loads in four
    /// streams, and, but for [ScalarKernels], the product of one row with Q8_0 weights.
    ///
    /// @param buffer memory to read, far larger than the last-level cache; it is overwritten first, because
    ///     pages that nobody has written are all the same page
    /// @throws IllegalArgumentException if the buffer is smaller than a mebibyte for each thread
    public static double readBytesPerSecond(Kernels kernels, MemorySegment buffer) {
        try (WorkerPool pool = new WorkerPool(kernels.threads())) {
            MemoryReads reads = new MemoryReads(pool, buffer);
            return switch (kernels) {
                case ScalarKernels _ -> reads.scalar();
                case VectorKernels _, NativeKernels _ -> Math.max(reads.vector(), reads.product(kernels));
            };
        }
    }

    /// The peaks of weights in some formats. Of [NativeKernels] every way, by the C functions themselves; of
    /// [VectorKernels] one row, and once the inner loop for many rows, which multiplies float32 whatever
    /// the format; of [ScalarKernels] one row.
    public static List<Peak> peaks(Kernels kernels, List<DType> types) {
        List<Peak> peaks = new ArrayList<>();
        try (WorkerPool pool = new WorkerPool(kernels.threads())) {
            for (DType type : types) {
                try (PeakProducts products = new PeakProducts(pool, type)) {
                    switch (kernels) {
                        case NativeKernels c -> {
                            peaks.add(new Peak(Way.ONE_ROW, type, products.nativeOneRow(c.level())));
                            peaks.add(new Peak(Way.BATCH, type, products.nativeRows(c.level(), BATCH_ROWS)));
                            peaks.add(new Peak(Way.PROMPT, type, products.nativeRows(c.level(), PROMPT_ROWS)));
                        }
                        case VectorKernels _ -> peaks.add(new Peak(Way.ONE_ROW, type, products.vectorOneRow()));
                        case ScalarKernels _ -> peaks.add(new Peak(Way.ONE_ROW, type, products.scalar(kernels)));
                    }
                }
            }
            if (kernels instanceof VectorKernels) {
                try (PeakProducts products = new PeakProducts(pool, DType.F32)) {
                    peaks.add(new Peak(Way.PROMPT, DType.F32, products.vectorFloats()));
                }
            }
        }
        return peaks;
    }

    /// The best rate of passes over `tasks` tasks.
    ///
    /// @param work of a pass, in whatever is to be counted
    static double bestRate(WorkerPool pool, int tasks, double work, WorkerPool.Task task) {
        Best best = new Best();
        do {
            long start = System.nanoTime();
            pool.run(tasks, task);
            best.add(work / seconds(start));
        } while (best.mayGrow());
        return best.rate;
    }

    /// The best rate of passes in which every thread repeats a task, often enough for the start not to count.
    ///
    /// @param work of one task
    static double bestRate(WorkerPool pool, double work, WorkerPool.Task task) {
        Best best = new Best();
        int repeats = 1;
        do {
            int count = repeats;
            long start = System.nanoTime();
            pool.run(pool.threads(), (index, worker) -> {
                for (int i = 0; i < count; i++) {
                    task.run(index, worker);
                }
            });
            double seconds = seconds(start);
            best.add(work * pool.threads() * count / seconds);
            if (seconds < PASS_SECONDS) {
                repeats *= 2;
            }
        } while (best.mayGrow());
        return best.rate;
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    /// The highest rate so far. The first passes are those of loops that have not been compiled yet, so the end comes
    /// only when many passes, and some time, have brought nothing better.
    private static final class Best {
        private final long latest = System.nanoTime() + MOST_NANOS;
        private long end;
        private int passesLeft;
        private double rate;

        void add(double measured) {
            passesLeft--;
            if (measured > 1.02 * rate) {
                end = System.nanoTime() + NANOS;
                passesLeft = PASSES;
            }
            rate = Math.max(rate, measured);
        }

        boolean mayGrow() {
            long now = System.nanoTime();
            return now < latest && (now < end || passesLeft > 0);
        }
    }
}
