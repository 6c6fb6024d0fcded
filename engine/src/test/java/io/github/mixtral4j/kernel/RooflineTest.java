package io.github.mixtral4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.kernel.Roofline.Peak;
import io.github.mixtral4j.kernel.Roofline.Way;
import io.github.mixtral4j.tensor.DType;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/// That limits are measured at all and counted correctly. How high they are is the machine's business.
final class RooflineTest {
    private static List<Way> ways(Kernels kernels) {
        List<Peak> peaks = Roofline.peaks(kernels, List.of(DType.Q6_K));
        assertThat(peaks)
                .allSatisfy(peak -> assertThat(peak.operationsPerSecond()).isBetween(1e5, 1e16));
        return peaks.stream().map(Peak::way).toList();
    }

    @Test
    void everyKindOfKernelsHasItsPeaks() {
        try (Kernels scalar = new ScalarKernels(2);
                Kernels vector = new VectorKernels(2)) {
            assertThat(ways(scalar)).containsExactly(Way.ONE_ROW);
            assertThat(ways(vector)).containsExactly(Way.ONE_ROW, Way.PROMPT);
        }
        TestNative.everyLevel(1).entrySet().stream().limit(1).forEach(level -> {
            try (Kernels kernels = level.getValue()) {
                assertThat(ways(kernels)).as(level.getKey()).containsExactly(Way.ONE_ROW, Way.BATCH, Way.PROMPT);
            }
        });
    }

    @Test
    void memoryIsReadByEveryKindOfKernels() {
        try (Arena arena = Arena.ofShared();
                Kernels scalar = new ScalarKernels(2);
                Kernels vector = new VectorKernels(2)) {
            var buffer = arena.allocate(32 << 20, 64);
            assertThat(Roofline.readBytesPerSecond(scalar, buffer)).isBetween(1e6, 1e14);
            assertThat(Roofline.readBytesPerSecond(vector, buffer)).isBetween(1e6, 1e14);
            assertThatThrownBy(() -> Roofline.readBytesPerSecond(vector, buffer.asSlice(0, (2 << 20) - 1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("reading with 2 threads needs a buffer of at least 2 MiB, got 2097151 bytes");
        }
    }

    @Test
    void ratesCountWhatWasDone() {
        AtomicLong done = new AtomicLong();
        WorkerPool.Task task = (index, worker) -> {
            LockSupport.parkNanos(200_000);
            done.incrementAndGet();
        };
        try (WorkerPool pool = new WorkerPool(1)) {
            long start = System.nanoTime();
            double repeated = Roofline.bestRate(pool, 1, task);
            double mean = done.get() / ((System.nanoTime() - start) / 1e9);
            // No task is faster than its pause, and the best pass is no slower than the mean.
            assertThat(repeated).isBetween(mean, 5000.0);

            done.set(0);
            start = System.nanoTime();
            double once = Roofline.bestRate(pool, 4, 4, task);
            mean = done.get() / ((System.nanoTime() - start) / 1e9);
            assertThat(once).isBetween(mean, 5000.0);
        }
    }
}
