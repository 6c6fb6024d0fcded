package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.TestRows.assertClose;
import static io.github.mixtral4j.kernel.TestRows.copy;
import static io.github.mixtral4j.kernel.TestRows.gaussian;
import static io.github.mixtral4j.kernel.TestRows.weights;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.kernel.BackwardProduct.OfInput;
import io.github.mixtral4j.kernel.BackwardProduct.OfWeights;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.SizeSource;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Ring 1: what only training needs, against its scalar twin. The register width follows `mixtral4j.vectorBits`.
class TrainingParityTest {
    private static final ScalarKernels SCALAR = new ScalarKernels(1);
    private static final Map<String, Kernels> FAST = new LinkedHashMap<>();

    private final Arena arena = Arena.ofAuto();

    @BeforeAll
    static void start() {
        FAST.put("vector", new VectorKernels(2));
        FAST.putAll(TestNative.everyLevel(2));
    }

    @AfterAll
    static void close() {
        SCALAR.close();
        FAST.values().forEach(Kernels::close);
    }

    static Stream<Arguments> products() {
        return Stream.of(DType.values())
                .flatMap(type -> IntStream.of(1, 33, 600)
                        .map(k -> Math.ceilDiv(k, type.blockElements()) * type.blockElements())
                        .distinct()
                        .boxed()
                        .map(k -> Arguments.of(type, k)));
    }

    @ParameterizedTest
    @MethodSource("products")
    void transposedProductEqualsScalar(DType type, int k) {
        Random random = new Random(17L * type.ordinal() + k);
        for (int n : new int[] {1, 519}) {
            Tensor w = weights(arena, type, n, k, random);
            for (int rows : new int[] {1, 50}) {
                Rows dy = gaussian(arena, rows, n, random);
                Rows expected = Rows.allocate(arena, rows, k);
                SCALAR.backward(List.of(new OfInput(w, dy, expected)));
                FAST.forEach((name, kernels) -> {
                    Rows actual = gaussian(arena, rows, k, random);
                    kernels.backward(List.of(new OfInput(w, dy, actual)));
                    String what = name + " " + type + " k=" + k + " n=" + n + " rows=" + rows;
                    assertClose(what, expected, actual, tolerance(name, type) * Math.sqrt(n));
                });
            }
        }
    }

    /// Levels of C may round both factors to bfloat16, but not where one of them is F32.
    private static double tolerance(String name, DType type) {
        return name.equals("vector") || type == DType.F32 ? 4e-5 : 0.06;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 33, 70, 257, 600})
    void gradientOfWeightsIsAddedToWhatIsThere(int rows) {
        Random random = new Random(rows);
        for (int n : new int[] {1, 24, 70}) {
            for (int k : new int[] {1, 31, 260}) {
                for (DType precision : new DType[] {DType.F32, DType.BF16}) {
                    Rows dy = gaussian(arena, rows, n, random);
                    Rows x = gaussian(arena, rows, k, random);
                    Rows start = gaussian(arena, n, k, random);
                    Rows expected = copy(arena, start);
                    SCALAR.backward(List.of(new OfWeights(dy, x, precision, expected)));
                    FAST.forEach((name, kernels) -> {
                        Rows actual = copy(arena, start);
                        kernels.backward(List.of(new OfWeights(dy, x, precision, actual)));
                        String what = name + " " + precision + " rows=" + rows + " n=" + n + " k=" + k;
                        assertClose(what, expected, actual, tolerance(name, precision) * Math.sqrt(rows));
                    });
                }
            }
        }
    }

    /// Blocks of the product are cut by its size only.
    @ParameterizedTest
    @ValueSource(strings = {"vector", "native"})
    void oneThreadIsManyBitwise(String kind) {
        KernelKind kernelKind = KernelKind.valueOf(kind.toUpperCase(Locale.ROOT));
        assumeTrue(kind.equals("vector") || FAST.size() > 1, "no native kernels on this machine");
        Random random = new Random(3);
        Tensor w = weights(arena, DType.BF16, 300, 260, random);
        Rows dy = gaussian(arena, 90, 300, random);
        Rows x = gaussian(arena, 90, 260, random);
        Rows[] dx = {Rows.allocate(arena, 90, 260), Rows.allocate(arena, 90, 260)};
        Rows[] dw = {Rows.allocate(arena, 300, 260), Rows.allocate(arena, 300, 260)};
        for (int i = 0; i < 2; i++) {
            try (Kernels kernels = Kernels.create(kernelKind, i == 0 ? 1 : 3)) {
                kernels.backward(List.of(new OfInput(w, dy, dx[i]), new OfWeights(dy, x, DType.BF16, dw[i])));
            }
        }
        assertThat(dx[0].data().mismatch(dx[1].data())).isEqualTo(-1);
        assertThat(dw[0].data().mismatch(dw[1].data())).isEqualTo(-1);
    }

    static IntStream sizes() {
        return SizeSource.sizes();
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void rowOperationsEqualScalar(int cols) {
        Random random = new Random(cols);
        Rows x = gaussian(arena, 5, cols, random);
        Rows y = gaussian(arena, 5, cols, random);
        Rows weight = gaussian(arena, 1, cols, random);
        Rows dx = gaussian(arena, 5, cols, random);
        Rows dWeight = gaussian(arena, 1, cols, random);
        bothWays("rmsNormBackward", ops -> ops.rmsNormBackward(x, weight, 1e-5f, y, dx, dWeight), 1e-5, dx, dWeight);

        Rows gate = gaussian(arena, 5, cols, random);
        for (int i = 0; i < cols; i += 5) {
            gate.set(1, i, gate.get(1, i) * 40);
        }
        Rows out = Rows.allocate(arena, 5, cols);
        float[] scales = {0.5f, 0.25f, -1, 0, 2};
        bothWays("swiglu", ops -> ops.swiglu(gate, x, scales, out), 2e-6, out);

        Rows sums = Rows.allocate(arena, 1, 5);
        Rows up = copy(arena, x);
        bothWays(
                "swigluBackward",
                ops -> {
                    float[] dScales = new float[5];
                    ops.swigluBackward(gate, up, y, scales, dScales);
                    MemorySegment.copy(dScales, 0, sums.data(), Rows.FLOAT, 0, 5);
                },
                1e-6 * Math.sqrt(cols) + 4e-6,
                gate,
                up,
                sums);

        Rows sum = Rows.allocate(arena, 2, cols);
        bothWays("sumRows", ops -> ops.sumRows(x, new int[] {4, 1, 0, 4}, 2, sum), 0, sum);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void crossEntropyEqualsScalar(int cols) {
        Random random = new Random(cols);
        Rows logits = gaussian(arena, 4, cols, random);
        for (int i = 0; i < cols; i++) {
            logits.set(1, i, logits.get(1, i) * 30);
        }
        int[] targets = {0, cols - 1, cols / 2, cols / 3};
        float[] weights = {1, 0.5f, 0, -2};
        Rows logProbs = Rows.allocate(arena, 1, 4);
        bothWays(
                "crossEntropy",
                ops -> {
                    float[] values = new float[4];
                    ops.crossEntropy(logits, targets, weights, values);
                    MemorySegment.copy(values, 0, logProbs.data(), Rows.FLOAT, 0, 4);
                },
                3e-6,
                logits,
                logProbs);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void optimizerLoopsEqualScalar(int cols) {
        Random random = new Random(cols);
        Rows value = gaussian(arena, 5, cols, random);
        Rows gradient = gaussian(arena, 5, cols, random);
        Rows mean = gaussian(arena, 5, cols, random);
        Rows square = gaussian(arena, 5, cols, random);
        for (int row = 0; row < 5; row++) {
            for (int i = 0; i < cols; i++) {
                square.set(row, i, square.get(row, i) * square.get(row, i));
            }
        }
        TrainingOps.AdamStep step = new TrainingOps.AdamStep(1e-2f, 0.9f, 0.95f, 1e-8f, 0.1f, 3, 0.7f);
        bothWays("adamW", ops -> ops.adamW(value, gradient, mean, square, step), 4e-6, value, mean, square);

        double expected = SCALAR.training().squaredNorm(value);
        byte[] rounded = bfloat16(SCALAR, value);
        FAST.forEach((name, kernels) -> {
            assertThat(kernels.training().squaredNorm(value) / expected)
                    .as(name)
                    .isBetween(1 - 1e-5, 1 + 1e-5);
            assertThat(bfloat16(kernels, value)).as(name).isEqualTo(rounded);
        });
    }

    private static byte[] bfloat16(Kernels kernels, Rows x) {
        byte[] bytes = new byte[x.count() * x.cols() * 2];
        MemorySegment out = Arena.ofAuto().allocate(bytes.length);
        kernels.training().toBfloat16(x, out);
        MemorySegment.copy(out, ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
        return bytes;
    }

    static Stream<Arguments> attentionShapes() {
        return Stream.of(
                Arguments.of(4, 2, 32, new int[] {0, 1, 60, 61, 130}),
                Arguments.of(6, 1, 128, new int[] {0, 50}),
                Arguments.of(2, 2, 20, new int[] {0, 7, 56}),
                Arguments.of(8, 2, 2, new int[] {0, 3, 5, 9}),
                Arguments.of(2, 1, 48, new int[] {0, 200}));
    }

    @ParameterizedTest
    @MethodSource("attentionShapes")
    void attentionEqualsScalarAndStaysInItsSample(int heads, int kvHeads, int dim, int[] bounds) {
        Random random = new Random(dim);
        int rows = bounds[bounds.length - 1];
        Rows q = gaussian(arena, rows, heads * dim, random);
        Rows k = gaussian(arena, rows, kvHeads * dim, random);
        Rows v = gaussian(arena, rows, kvHeads * dim, random);
        Rows out = Rows.allocate(arena, rows, heads * dim);
        Rows logSums = Rows.allocate(arena, rows, heads);
        bothWays("attend", ops -> ops.attend(q, k, v, dim, bounds, out, logSums), 1e-5, out, logSums);

        SCALAR.training().attend(q, k, v, dim, bounds, out, logSums);
        Rows dOut = gaussian(arena, rows, heads * dim, random);
        Rows dq = Rows.allocate(arena, rows, heads * dim);
        Rows dk = Rows.allocate(arena, rows, kvHeads * dim);
        Rows dv = Rows.allocate(arena, rows, kvHeads * dim);
        bothWays(
                "attendBackward",
                ops -> ops.attendBackward(q, k, v, dim, bounds, out, logSums, dOut, dq, dk, dv),
                4e-5,
                dq,
                dk,
                dv);
    }

    /// Runs an operation on all kernels from the same numbers and compares what it leaves in `results`.
    private void bothWays(String what, Consumer<TrainingOps> operation, double tolerance, Rows... results) {
        Rows[] before = Arrays.stream(results).map(rows -> copy(arena, rows)).toArray(Rows[]::new);
        operation.accept(SCALAR.training());
        Rows[] expected = Arrays.stream(results).map(rows -> copy(arena, rows)).toArray(Rows[]::new);
        FAST.forEach((name, kernels) -> {
            for (int i = 0; i < results.length; i++) {
                copy(before[i], results[i]);
            }
            operation.accept(kernels.training());
            for (int i = 0; i < results.length; i++) {
                assertClose(name + " " + what + ", result " + i, expected[i], results[i], tolerance);
            }
        });
        for (int i = 0; i < results.length; i++) {
            copy(before[i], results[i]);
        }
    }
}
