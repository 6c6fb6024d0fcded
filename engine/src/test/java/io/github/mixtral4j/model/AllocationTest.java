package io.github.mixtral4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The forward pass allocates nothing once it is compiled: what a token costs is counted over all threads.
class AllocationTest {
    /// Rounds until the compiler has replaced the vectors by registers; far fewer are needed.
    private static final int MAX_ROUNDS = 60;

    /// Less than the smallest object.
    private static final long LIMIT = 16;

    private static final int TOKENS = 100;

    /// Java code that is special to a format is in vector kernels only.
    static Stream<Arguments> formats() {
        return TestKernels.fastInEveryFormat()
                .filter(a -> a.get()[0] == KernelKind.VECTOR || a.get()[1] == DType.Q4_K || a.get()[1] == DType.F16);
    }

    @ParameterizedTest
    @MethodSource("formats")
    void decodingAllocatesNothingPerToken(KernelKind kind, DType type, @TempDir Path folder) throws Exception {
        BlockFormat format = BlockFormat.valueOf(type.name());
        TinyMixtral tiny = TinyMixtral.create(
                TinyConfig.mixtral(),
                7,
                name -> name.contains("norm") || name.endsWith("gate.weight") ? BlockFormat.F32 : format);
        Path file = tiny.writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT);
        try (LoadedModel loaded = ModelLoader.load(file);
                Kernels kernels = TestKernels.create(kind, 2);
                KvCache cache = KvCache.allocate(loaded.config(), 256, DType.F16);
                Workspace work = Workspace.allocate(loaded.config(), 1, 1)) {
            assertAllocatesNothing(new Mixtral(loaded.config(), loaded.weights(), kernels), cache, work, 0);
        }
    }

    static Stream<Arguments> caches() {
        return TestKernels.fast()
                .flatMap(kind -> Stream.of(DType.F16, DType.Q8_0).map(type -> Arguments.of(kind, type)));
    }

    /// The sequence is long enough to be cut into pieces.
    @ParameterizedTest
    @MethodSource("caches")
    void decodingALongSequenceAllocatesNothingPerToken(KernelKind kind, DType cacheType) {
        TinyMixtral tiny = TinyMixtral.create(TinyConfig.dense(), 7);
        try (Kernels kernels = TestKernels.create(kind, 2)) {
            Mixtral model = TestModel.of(tiny, kernels);
            try (KvCache cache = KvCache.allocate(model.config(), 1024, cacheType);
                    Workspace work = Workspace.allocate(model.config(), 1, 1)) {
                assertAllocatesNothing(model, cache, work, 600);
            }
        }
    }

    private static void assertAllocatesNothing(Mixtral model, KvCache cache, Workspace work, int context) {
        int sequence = cache.openSequence();
        cache.appendRandom(sequence, context, new SplittableRandom(7));
        long fewest = Long.MAX_VALUE;
        for (int round = 0; round < MAX_ROUNDS && fewest >= LIMIT; round++) {
            fewest = Math.min(fewest, allocatedPerToken(model, cache, work, sequence));
            cache.truncate(sequence, context);
        }
        assertThat(fewest).as("bytes allocated per token").isLessThan(LIMIT);
    }

    private static long allocatedPerToken(Mixtral model, KvCache cache, Workspace work, int sequence) {
        Batch[] batches = new Batch[TOKENS];
        int start = cache.length(sequence);
        for (int i = 0; i < TOKENS; i++) {
            batches[i] = Batch.ofSequence(sequence, start + i, new int[] {i % 50}, 0, 1);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getTotalThreadAllocatedBytes();
        for (Batch batch : batches) {
            model.forward(batch, cache, work);
        }
        long allocated = threads.getTotalThreadAllocatedBytes() - before;
        return allocated / TOKENS;
    }
}
