package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.TestRows.assertClose;
import static io.github.mixtral4j.kernel.TestRows.gaussian;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Ring 1 for attention: vector kernels and every level of the C kernels that runs here against their scalar twin.
class AttentionParityTest {
    private static final ScalarKernels SCALAR = new ScalarKernels(1);
    private static final Map<String, Kernels> ONE_THREAD = fast(1);
    private static final Map<String, Kernels> FIVE_THREADS = fast(5);

    private final Arena arena = Arena.ofAuto();

    private static Map<String, Kernels> fast(int threads) {
        Map<String, Kernels> kernels = new LinkedHashMap<>(TestNative.everyLevel(threads));
        kernels.put("vector", new VectorKernels(threads));
        return kernels;
    }

    @AfterAll
    static void close() {
        SCALAR.close();
        ONE_THREAD.values().forEach(Kernels::close);
        FIVE_THREADS.values().forEach(Kernels::close);
    }

    static Stream<Arguments> shapes() {
        return Stream.of(
                Arguments.of(4, 2, 32, DType.F16),
                Arguments.of(6, 1, 128, DType.F16),
                Arguments.of(2, 2, 20, DType.F16),
                Arguments.of(7, 1, 72, DType.F16),
                Arguments.of(8, 2, 2, DType.F32),
                Arguments.of(3, 3, 40, DType.F32),
                Arguments.of(48, 8, 128, DType.F32),
                Arguments.of(4, 2, 32, DType.Q8_0),
                Arguments.of(6, 1, 128, DType.Q8_0),
                Arguments.of(9, 3, 96, DType.Q8_0));
    }

    /// Rows of several sequences in one batch.
    private record Rounds(int[] positions, int[] sequences) {
        int count() {
            return positions.length;
        }

        /// Sequence 0 has rows across the border of a page, sequence 1 a first token, sequence 2 a token
        /// after more pages than a piece has, and sequence 3 a prompt of several blocks.
        static Rounds mixed() {
            int[] positions = new int[57];
            int[] sequences = new int[57];
            for (int i = 0; i < positions.length; i++) {
                sequences[i] = i < 10 ? 0 : i < 12 ? i - 9 : 3;
                positions[i] = i < 10 ? 60 + i : i == 10 ? 0 : i == 11 ? 600 : 40 + i;
            }
            return new Rounds(positions, sequences);
        }

        /// Rows of one sequence, the last of which fills a page of the second piece.
        static Rounds long9() {
            int[] positions = new int[9];
            for (int i = 0; i < positions.length; i++) {
                positions[i] = 9 * PagedKv.PAGE_TOKENS - positions.length + i;
            }
            return new Rounds(positions, new int[positions.length]);
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void attentionEqualsScalarAcrossPagesPiecesAndSequences(int heads, int kvHeads, int dim, DType type) {
        Random random = new Random(dim);
        TestKv kv = new TestKv(heads, kvHeads, dim, type, 4, 10, random);
        for (Rounds rounds : new Rounds[] {Rounds.mixed(), Rounds.long9()}) {
            Rows q = gaussian(arena, rounds.count(), heads * dim, random);
            Rows expected = attend(SCALAR, q, kv, rounds);
            FIVE_THREADS.forEach((name, kernels) -> assertClose(name, expected, attend(kernels, q, kv, rounds), 1e-5));
        }
    }

    /// Scores of tens of thousands: their exponentials overflow, and float32 leaves errors of a few thousandths in
    /// them.
    @ParameterizedTest
    @MethodSource("shapes")
    void largeScoresDoNotOverflow(int heads, int kvHeads, int dim, DType type) {
        Random random = new Random(dim);
        TestKv kv = new TestKv(heads, kvHeads, dim, type, 4, 10, random);
        Rows q = gaussian(arena, 57, heads * dim, random);
        for (int row = 0; row < q.count(); row++) {
            for (int i = 0; i < q.cols(); i++) {
                q.set(row, i, q.get(row, i) * 3e4f);
            }
        }
        Rows expected = attend(SCALAR, q, kv, Rounds.mixed());
        FIVE_THREADS.forEach(
                (name, kernels) -> assertClose(name, expected, attend(kernels, q, kv, Rounds.mixed()), 2e-2));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void threadsDoNotChangeASingleBit(int heads, int kvHeads, int dim, DType type) {
        Random random = new Random(dim);
        TestKv kv = new TestKv(heads, kvHeads, dim, type, 4, 10, random);
        Rows q = gaussian(arena, 57, heads * dim, random);
        ONE_THREAD.forEach((name, kernels) -> {
            Rows one = attend(kernels, q, kv, Rounds.mixed());
            Rows five = attend(Objects.requireNonNull(FIVE_THREADS.get(name)), q, kv, Rounds.mixed());
            assertThat(five.data().mismatch(one.data())).as(name).isEqualTo(-1);
        });
    }

    /// A page that returns to the cache keeps what was in it.
    @ParameterizedTest
    @MethodSource("shapes")
    void whatIsNotCachedYetDoesNotMatter(int heads, int kvHeads, int dim, DType type) {
        Random random = new Random(dim);
        TestKv kv = new TestKv(heads, kvHeads, dim, type, 4, 10, random);
        Rows q = gaussian(arena, 57, heads * dim, random);
        Rows expected = attend(SCALAR, q, kv, Rounds.mixed());
        kv.forget(0, 70);
        kv.forget(1, 1);
        kv.forget(2, 601);
        kv.forget(3, 97);
        FIVE_THREADS.forEach(
                (name, kernels) -> assertClose(name, expected, attend(kernels, q, kv, Rounds.mixed()), 1e-5));
    }

    /// The first row that sees it is the last.
    @ParameterizedTest
    @MethodSource("shapes")
    void aTokenWithoutNumbersSpoilsNoRowBeforeIt(int heads, int kvHeads, int dim, DType type) {
        Random random = new Random(dim);
        TestKv kv = new TestKv(heads, kvHeads, dim, type, 4, 10, random);
        Rounds rounds = Rounds.long9();
        int last = rounds.count() - 1;
        Rows q = gaussian(arena, rounds.count(), heads * dim, random);
        kv.forget(0, rounds.positions()[last]);
        Rows expected = attend(SCALAR, q, kv, rounds);
        FIVE_THREADS.forEach((name, kernels) -> {
            Rows actual = attend(kernels, q, kv, rounds);
            assertClose(name, expected.view().withRows(0, last), actual.view().withRows(0, last), 1e-5);
        });
    }

    @Test
    void cachesOfAnotherShapeAreRefused() {
        TestKv kv = new TestKv(4, 2, 32, DType.F16, 4, 10, new Random(1));
        Rounds rounds = Rounds.long9();
        Rows narrow = Rows.allocate(arena, rounds.count(), 2 * 32);
        Rows q = Rows.allocate(arena, rounds.count(), 4 * 32);
        TestNative.everyLevel(1).forEach((name, kernels) -> {
            assertThatThrownBy(() -> attend(kernels, narrow, kv, rounds))
                    .hasMessage("expected q and out of [n, 128], as the cache has heads, found [9, 64] and [9, 64]");
            assertThatThrownBy(() -> kernels.attend(q, kv, 2, rounds.positions(), rounds.sequences(), q.view()))
                    .hasMessage("the cache has no layer 2");
            kernels.close();
        });
    }

    private Rows attend(Kernels kernels, Rows q, PagedKv kv, Rounds rounds) {
        Rows out = Rows.allocate(arena, q.count(), q.cols());
        kernels.attend(q, kv, 1, rounds.positions(), rounds.sequences(), out);
        return out;
    }

    /// Random cached keys and values of two layers.
    private record TestKv(int numHeads, int numKvHeads, int headDim, DType type, MemorySegment[][] pages)
            implements PagedKv {
        TestKv(int heads, int kvHeads, int dim, DType type, int sequences, int pages, Random random) {
            this(heads, kvHeads, dim, type, new MemorySegment[sequences][pages]);
            for (MemorySegment[] sequence : this.pages) {
                for (int p = 0; p < pages; p++) {
                    sequence[p] = Arena.ofAuto().allocate(planeBytes() * 4 * kvHeads, 64);
                    for (int plane = 0; plane < 4 * kvHeads; plane++) {
                        fill(sequence[p].asSlice(plane * planeBytes(), planeBytes()), random);
                    }
                }
            }
        }

        /// Makes keys and values of a sequence NaN from a token on; in Q8_0 by their scales.
        void forget(int sequence, int length) {
            int cols = type == DType.Q8_0 ? headDim / 32 : headDim;
            long start = type == DType.Q8_0 ? (long) headDim * PAGE_TOKENS : 0;
            int bytes = type == DType.F32 ? 4 : 2;
            for (int token = length; token < pages[sequence].length * PAGE_TOKENS; token++) {
                int t = token % PAGE_TOKENS;
                for (int plane = 0; plane < 4 * numKvHeads; plane++) {
                    boolean keys = plane / numKvHeads % 2 == 0;
                    for (int i = 0; i < cols; i++) {
                        long index = keys ? (long) i * PAGE_TOKENS + t : (long) t * cols + i;
                        pages[sequence][token / PAGE_TOKENS]
                                .asSlice(plane * planeBytes() + start + index * bytes, bytes)
                                .fill((byte) 0xff);
                    }
                }
            }
        }

        private long planeBytes() {
            return type.bytes((long) headDim * PAGE_TOKENS);
        }

        /// Keys or values of one head, of about the size of a standard normal distribution.
        private void fill(MemorySegment plane, Random random) {
            int elements = headDim * PAGE_TOKENS;
            for (int i = 0; i < elements; i++) {
                float value = (float) random.nextGaussian();
                switch (type) {
                    case F32 -> plane.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
                    case F16 -> plane.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value));
                    default -> plane.set(ValueLayout.JAVA_BYTE, i, (byte) Math.clamp(40 * value, -127, 127));
                }
            }
            for (long i = elements; type == DType.Q8_0 && i < planeBytes(); i += 2) {
                plane.set(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(random.nextFloat(0.02f, 0.03f)));
            }
        }

        @Override
        public MemorySegment page(int sequence, int index) {
            return pages[sequence][index];
        }

        @Override
        public long keyOffset(int layer, int kvHead) {
            return (2L * layer * numKvHeads + kvHead) * planeBytes();
        }

        @Override
        public long valueOffset(int layer, int kvHead) {
            return keyOffset(layer, numKvHeads + kvHead);
        }
    }
}
