package io.github.mixtral4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Ring 3: what must not change a result. The same rows in another company go through other kernels (one row, a few,
/// many), so that laws about batching hold to float32 rounding; laws about threads and memory hold to the bit.
class ForwardLawsTest {
    private static final TestKernels KERNELS = new TestKernels();

    /// Greatest difference of a logit, of which the root mean square is about 2, with keys and values cached as F32.
    private static final double ROUNDING = 1e-3;

    /// With the usual cache a key at the border of two float16 numbers may fall to either side.
    private static final double HALF_ROUNDING = 5e-2;

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    /// Kernels with formats that they do not round, so that rows in another company give the same to float32 rounding.
    static Stream<Arguments> unrounded() {
        return Stream.of(
                Arguments.of(KernelKind.VECTOR, DType.F32),
                Arguments.of(KernelKind.VECTOR, DType.F16),
                Arguments.of(KernelKind.VECTOR, DType.BF16),
                Arguments.of(KernelKind.NATIVE, DType.F32));
    }

    /// All others.
    static Stream<Arguments> rounded() {
        List<List<Object>> unrounded =
                unrounded().map(Arguments::get).map(List::of).toList();
        return TestKernels.fastInEveryFormat().filter(arguments -> !unrounded.contains(List.of(arguments.get())));
    }

    static Stream<Arguments> fastInEveryFormat() {
        return TestKernels.fastInEveryFormat();
    }

    @ParameterizedTest
    @MethodSource("unrounded")
    void prefillEqualsDecode(KernelKind kind, DType type) {
        Mixtral model = TestModel.of(tiny(type), KERNELS.get(kind));
        int[] ids = ids(1, 20);
        float[][] prefill = TestModel.logits(model, ids, DType.F32, ids.length);
        assertClose("decode", TestModel.logits(model, ids, DType.F32, 1), prefill, ROUNDING);
    }

    /// Rows may be multiplied with activations of 8 bits or bfloat16. With a choice of experts that may turn the
    /// routing of a token, which attention carries to all tokens after it; so a token takes all experts here.
    @ParameterizedTest
    @MethodSource("rounded")
    void prefillEqualsDecodeOnTheWhole(KernelKind kind, DType type) {
        Mixtral model = TestModel.of(tiny(type, 2), KERNELS.get(kind));
        double[] differences = IntStream.of(1, 2, 3)
                .mapToObj(seed -> ids(seed, 21))
                .flatMapToDouble(ids -> {
                    float[][] prefill = TestModel.logits(model, ids, DType.F32, ids.length);
                    float[][] decode = TestModel.logits(model, ids, DType.F32, 1);
                    return IntStream.range(0, ids.length).mapToDouble(t -> worst(decode[t], prefill[t]));
                })
                .sorted()
                .toArray();
        assertThat(differences[differences.length / 2])
                .as("median of " + Arrays.toString(differences))
                .isLessThan(0.25);
        assertThat(differences[differences.length - 1])
                .as("worst of " + Arrays.toString(differences))
                .isLessThan(0.5);
    }

    @Test
    void prefillEqualsDecodeWithAHalfPrecisionCache() {
        Mixtral model = TestModel.of(tiny(DType.BF16), KERNELS.get(KernelKind.VECTOR));
        int[] ids = ids(1, 70);
        float[][] prefill = TestModel.logits(model, ids, DType.F16, ids.length);
        assertClose("decode", TestModel.logits(model, ids, DType.F16, 1), prefill, HALF_ROUNDING);
        assertClose("float cache", TestModel.logits(model, ids, DType.F32, 1), prefill, HALF_ROUNDING);
    }

    /// Keys and values of 8 bits, 32 to a scale, are off by 0.5 % of their spread, with F16 by 0.02 %. This model makes
    /// seven times as much of it. With all experts there is no routing that it could turn.
    @ParameterizedTest
    @EnumSource(
            value = KernelKind.class,
            names = {"SCALAR", "VECTOR", "NATIVE"})
    void aCacheOfEightBitsGivesNearlyTheSameLogits(KernelKind kind) {
        Mixtral model = TestModel.of(tiny(DType.F32, 2), KERNELS.get(kind));
        int[] ids = ids(1, 70);
        float[][] exact = TestModel.logits(model, ids, DType.F32, ids.length);
        float[][] prefill = TestModel.logits(model, ids, DType.Q8_0, ids.length);
        double squares = 0;
        for (int t = 0; t < ids.length; t++) {
            for (int i = 0; i < exact[t].length; i++) {
                squares += Math.pow(prefill[t][i] - exact[t][i], 2);
            }
        }
        // The root mean square of the logits is 2.3.
        assertThat(Math.sqrt(squares / ids.length / exact[0].length)).isLessThan(0.12);
        assertClose("decode", TestModel.logits(model, ids, DType.Q8_0, 40, 1), prefill, 0.1);
    }

    @ParameterizedTest
    @MethodSource("unrounded")
    void anySplitIntoChunksGivesTheSameLogits(KernelKind kind, DType type) {
        Mixtral model = TestModel.of(tiny(type), KERNELS.get(kind));
        int[] ids = ids(2, 70);
        float[][] whole = TestModel.logits(model, ids, DType.F32, ids.length);
        Random random = new Random(2);
        for (int attempt = 0; attempt < 2; attempt++) {
            int[] chunks = random.ints(20, 1, 30).toArray();
            assertClose(
                    "chunks " + Arrays.toString(chunks),
                    TestModel.logits(model, ids, DType.F32, chunks),
                    whole,
                    ROUNDING);
        }
    }

    @ParameterizedTest
    @MethodSource("unrounded")
    void sequencesInOneBatchDoNotSeeEachOther(KernelKind kind, DType type) {
        Mixtral model = TestModel.of(tiny(type), KERNELS.get(kind));
        int[][] ids = {ids(3, 70), ids(4, 9), ids(5, 66), ids(6, 30)};
        float[][][] alone = new float[ids.length][][];
        for (int s = 0; s < ids.length; s++) {
            alone[s] = TestModel.logits(model, ids[s], DType.F32, ids[s].length);
        }
        float[][][] together = new float[ids.length][][];
        for (int s = 0; s < ids.length; s++) {
            together[s] = new float[ids[s].length][];
        }
        Random random = new Random(7);
        try (KvCache cache = KvCache.allocate(model.config(), 4 * 128, DType.F32);
                Workspace work = Workspace.allocate(model.config(), 100, 100)) {
            int[] handles = new int[ids.length];
            for (int s = 0; s < ids.length; s++) {
                handles[s] = cache.openSequence();
            }
            int[] done = new int[ids.length];
            while (!Arrays.equals(
                    done, Arrays.stream(ids).mapToInt(i -> i.length).toArray())) {
                step(model, ids, done, handles, together, cache, work, random);
            }
        }
        for (int s = 0; s < ids.length; s++) {
            assertClose("sequence " + s, together[s], alone[s], ROUNDING);
        }
    }

    /// One ragged batch: from some sequences a chunk, from others one token or none.
    private static void step(
            Mixtral model,
            int[][] ids,
            int[] done,
            int[] handles,
            float[][][] logits,
            KvCache cache,
            Workspace work,
            Random random) {
        int[] counts = new int[ids.length];
        for (int s = 0; s < ids.length; s++) {
            counts[s] = Math.min(ids[s].length - done[s], random.nextBoolean() ? 1 : random.nextInt(25));
        }
        int rows = Arrays.stream(counts).sum();
        if (rows == 0) {
            return;
        }
        int[] tokens = new int[rows];
        int[] positions = new int[rows];
        int[] sequences = new int[rows];
        for (int s = 0, row = 0; s < ids.length; s++) {
            for (int i = 0; i < counts[s]; i++, row++) {
                tokens[row] = ids[s][done[s] + i];
                positions[row] = done[s] + i;
                sequences[row] = handles[s];
            }
        }
        model.forward(new Batch(tokens, positions, sequences, TestModel.all(rows)), cache, work);
        for (int s = 0, row = 0; s < ids.length; s++) {
            for (int i = 0; i < counts[s]; i++, row++) {
                logits[s][done[s]++] = TestModel.row(work.logits(), row);
            }
        }
    }

    @Test
    void threadsDoNotChangeASingleBitOfScalarKernels() {
        int[] ids = ids(8, 6);
        for (DType type : new DType[] {DType.BF16, DType.Q4_K}) {
            TinyMixtral tiny = tiny(type);
            assertThat(onThreads(KernelKind.SCALAR, 3, tiny, ids))
                    .as(type + ", 3 threads")
                    .isDeepEqualTo(onThreads(KernelKind.SCALAR, 1, tiny, ids));
        }
    }

    /// The first run of a format is interpreted, later ones are compiled: that must not be seen either.
    @ParameterizedTest
    @MethodSource("fastInEveryFormat")
    void threadsAndWarmingUpDoNotChangeASingleBit(KernelKind kind, DType type) {
        int[] ids = ids(8, 24);
        TinyMixtral tiny = tiny(type);
        float[][] first = onThreads(kind, 1, tiny, ids);
        for (int threads : new int[] {2, 3, 7, 2, 1}) {
            assertThat(onThreads(kind, threads, tiny, ids))
                    .as(type + ", " + threads + " threads")
                    .isDeepEqualTo(first);
        }
    }

    private static float[][] onThreads(KernelKind kind, int threads, TinyMixtral tiny, int[] ids) {
        try (Kernels kernels = TestKernels.create(kind, threads)) {
            return TestModel.logits(TestModel.of(tiny, kernels), ids, DType.F16, ids.length - 3, 1);
        }
    }

    @Test
    void aTruncatedSequenceContinuesAsIfItHadNeverGoneOn() {
        int[] start = ids(9, 60);
        int[] other = ids(10, 20);
        int[] end = ids(11, 6);
        float[][] expected;
        float[][] actual;
        try (Kernels scalar = Kernels.create(KernelKind.SCALAR, 2)) {
            Mixtral model = TestModel.of(tiny(DType.Q4_0), scalar);
            try (KvCache cache = KvCache.allocate(model.config(), 128, DType.F16);
                    Workspace work = Workspace.allocate(model.config(), 60, 20)) {
                int fresh = cache.openSequence();
                TestModel.fill(model, start, cache, fresh, work);
                expected = TestModel.logits(model, end, cache, fresh, work, 6);
                cache.closeSequence(fresh);

                // Goes on to the second page and comes back; its memory is that of the sequence that was closed.
                int reused = cache.openSequence();
                TestModel.fill(model, start, cache, reused, work);
                TestModel.fill(model, other, cache, reused, work);
                cache.truncate(reused, start.length);
                actual = TestModel.logits(model, end, cache, reused, work, 6);
            }
        }
        assertThat(actual).isDeepEqualTo(expected);
    }

    @Test
    void bothRotaryLayoutsAreTheSameModel() {
        TinyMixtral tiny = tiny(DType.BF16);
        Kernels kernels = KERNELS.get(KernelKind.VECTOR);
        int[] ids = ids(12, 40);
        float[][] interleaved = TestModel.logits(TestModel.of(tiny, kernels), ids, DType.F32, 40);
        Mixtral halfSplit = new Mixtral(
                TestModel.config(tiny.config(), RopeLayout.HALF_SPLIT),
                TestModel.weights(tiny, RopeLayout.HALF_SPLIT),
                kernels);
        assertClose("half split", TestModel.logits(halfSplit, ids, DType.F32, 40), interleaved, ROUNDING);
    }

    @ParameterizedTest
    @MethodSource("unrounded")
    void logitsAreGivenForTheRowsAskedForOnly(KernelKind kind, DType type) {
        Mixtral model = TestModel.of(tiny(type), KERNELS.get(kind));
        int[] ids = ids(13, 30);
        float[][] all = TestModel.logits(model, ids, DType.F32, 30);
        try (KvCache cache = KvCache.allocate(model.config(), 30, DType.F32);
                Workspace work = Workspace.allocate(model.config(), 30, 3)) {
            int sequence = cache.openSequence();
            model.forward(Batch.ofSequence(sequence, 0, ids, 0, 10, new int[0]), cache, work);
            assertThat(work.logits().count()).isZero();
            model.forward(Batch.ofSequence(sequence, 10, ids, 10, 20, new int[] {0, 7, 19}), cache, work);
            assertThat(work.logits().count()).isEqualTo(3);
            float[][] some = {
                TestModel.row(work.logits(), 0), TestModel.row(work.logits(), 1), TestModel.row(work.logits(), 2)
            };
            assertClose("chosen rows", some, new float[][] {all[10], all[17], all[29]}, ROUNDING);
        }
    }

    private static TinyMixtral tiny(DType type) {
        return tiny(type, 4);
    }

    private static TinyMixtral tiny(DType type, int experts) {
        return TinyMixtral.create(
                TinyConfig.mixtral().withExperts(experts, 2), 21, name -> BlockFormat.valueOf(type.name()));
    }

    private static int[] ids(int seed, int count) {
        return new Random(seed).ints(count, 0, 512).toArray();
    }

    private static void assertClose(String what, float[][] got, float[][] want, double tolerance) {
        for (int t = 0; t < want.length; t++) {
            assertThat(worst(got[t], want[t]))
                    .as(what + ", logits of token " + t)
                    .isLessThan(tolerance);
        }
    }

    private static double worst(float[] got, float[] want) {
        double worst = 0;
        for (int i = 0; i < want.length; i++) {
            double difference = Math.abs(got[i] - want[i]);
            worst = difference <= worst ? worst : difference;
        }
        return worst;
    }
}
