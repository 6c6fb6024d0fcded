package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.TestRows.assertAbsolutelyClose;
import static io.github.mixtral4j.kernel.TestRows.assertClose;
import static io.github.mixtral4j.kernel.TestRows.copy;
import static io.github.mixtral4j.kernel.TestRows.gaussian;
import static io.github.mixtral4j.kernel.TestRows.weights;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.quant.Q2K;
import io.github.mixtral4j.quant.Q3K;
import io.github.mixtral4j.quant.Q6K;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.SizeSource;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Ring 1: every vector operation, and matrix multiplication at every level of the C kernels that runs here, against
/// its scalar twin; [AttentionParityTest] has attention. The register width follows `mixtral4j.vectorBits`.
class KernelParityTest {
    private static final ScalarKernels SCALAR = new ScalarKernels(1);
    private static final VectorKernels VECTOR = new VectorKernels(2);
    private static final Map<String, Kernels> NATIVE = TestNative.everyLevel(2);

    private final Arena arena = Arena.ofAuto();

    @AfterAll
    static void close() {
        SCALAR.close();
        VECTOR.close();
        NATIVE.values().forEach(Kernels::close);
    }

    static Stream<Arguments> shapes() {
        return Stream.of(DType.values())
                .flatMap(type -> SizeSource.sizes()
                        .map(k -> Math.ceilDiv(k, type.blockElements()) * type.blockElements())
                        .distinct()
                        .boxed()
                        .map(k -> Arguments.of(type, k)));
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void matmulEqualsScalarForOneAndManyRows(DType type, int k) {
        Random random = new Random(31L * type.ordinal() + k);
        // Around 8, 16 and 24 rows, kernels choose another way to multiply.
        int[] batches = k > 600 ? new int[] {1, 5, 33} : new int[] {1, 2, 3, 5, 8, 9, 16, 17, 24, 25, 33};
        Tensor w = weights(arena, type, k > 600 ? 13 : 101, k, random);
        for (int rows : batches) {
            Rows x = gaussian(arena, rows, k, random);
            Rows expected = Rows.allocate(arena, rows, w.rows());
            Rows actual = Rows.allocate(arena, rows, w.rows());
            SCALAR.matmul(w, x, expected);
            VECTOR.matmul(w, x, actual);
            // Blocks may meet activations of 8 bits where few rows are multiplied. Eight bits an activation, 32 to a
            // scale, are an error of 0.6 % of the product's spread: allow five of them.
            boolean quantized = type.blockElements() > 1 && rows <= VectorGemv.MAX_ROWS;
            double tolerance = (quantized ? 0.06 : 4e-5) * Math.sqrt(k);
            assertAbsolutelyClose(type + " k=" + k + " rows=" + rows, expected, actual, tolerance);
            NATIVE.forEach((level, kernels) -> {
                kernels.matmul(w, x, actual);
                assertAbsolutelyClose(
                        level + " " + type + " k=" + k + " rows=" + rows,
                        expected,
                        actual,
                        nativeTolerance(level, type) * Math.sqrt(k));
            });
        }
    }

    /// The C of level `scalar` computes as the oracle does. The other levels may round activations to 8 bits, or both
    /// factors to bfloat16, but never those of F32.
    private static double nativeTolerance(String level, DType type) {
        return level.equals("scalar") ? 0 : type == DType.F32 ? 4e-5 : 0.06;
    }

    /// Damaged weights must not give products that look well.
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "BF16"})
    void aScaleThatIsNoNumberGivesProductsThatAreNone(DType type) {
        int blocks = Math.max(2, 1056 / type.blockElements());
        int k = blocks * type.blockElements();
        Random random = new Random(type.ordinal());
        for (int half : halves(type)) {
            for (int bits : new int[] {0x7c00, 0xfc00, 0x7e00, 0x7c01}) {
                Tensor w = weights(arena, type, blocks, k, random);
                for (int row = 0; row < blocks; row++) {
                    long block = row * w.rowBytes() + (long) row * type.blockBytes();
                    w.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, block + half, (short) bits);
                }
                for (int rows : new int[] {1, 5, 33}) {
                    Rows x = gaussian(arena, rows, k, random);
                    Rows y = Rows.allocate(arena, rows, w.rows());
                    SCALAR.matmul(w, x, y);
                    String what = type + " bits=" + Integer.toHexString(bits) + " rows=" + rows;
                    assertNoNumbers("scalar " + what, y);
                    if (rows > VectorGemv.MAX_ROWS || !scalesCountAsNumbers(type)) {
                        VECTOR.matmul(w, x, y);
                        assertNoNumbers("vector " + what, y);
                    }
                    NATIVE.forEach((level, kernels) -> {
                        kernels.matmul(w, x, y);
                        assertNoNumbers(level + " " + what, y);
                    });
                }
            }
        }
    }

    /// Rows of activations that meet the same weights have nothing else in common.
    @ParameterizedTest
    @EnumSource
    void aRowThatIsNoNumberLeavesTheOthersAlone(DType type) {
        int k = 2 * Math.max(256, type.blockElements());
        Random random = new Random(type.ordinal());
        Tensor w = weights(arena, type, 13, k, random);
        for (int rows : new int[] {2, 5, 9, 33}) {
            Rows x = gaussian(arena, rows, k, random);
            Rows expected = Rows.allocate(arena, rows, w.rows());
            Rows actual = Rows.allocate(arena, rows, w.rows());
            for (Map.Entry<String, Kernels> level : NATIVE.entrySet()) {
                level.getValue().matmul(w, x, expected);
                for (float damage : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
                    Rows damaged = copy(arena, x);
                    damaged.set(1, 300, damage);
                    level.getValue().matmul(w, damaged, actual);
                    for (int row = 0; row < rows; row++) {
                        for (int i = 0; i < w.rows(); i++) {
                            String what = level.getKey() + " " + type + " rows=" + rows + " at " + row + ", " + i;
                            if (row == 1) {
                                assertThat(actual.get(row, i)).as(what).isNotFinite();
                            } else {
                                assertThat(actual.get(row, i)).as(what).isEqualTo(expected.get(row, i));
                            }
                        }
                    }
                }
            }
        }
    }

    /// Formats in which vector kernels do not look for infinities when they multiply few rows, because of what it
    /// costs.
    private static boolean scalesCountAsNumbers(DType type) {
        return switch (type) {
            case F16, Q4_0, Q4_1, Q5_0, Q5_1 -> true;
            default -> false;
        };
    }

    /// Where a block has numbers of float16.
    private static int[] halves(DType type) {
        return switch (type) {
            case F32, BF16 -> new int[0];
            case F16, Q4_0, Q5_0, Q8_0 -> new int[] {0};
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q2_K -> new int[] {Q2K.SCALE, Q2K.MINIMUM};
            case Q3_K -> new int[] {Q3K.SCALE};
            case Q6_K -> new int[] {Q6K.SCALE};
        };
    }

    private static void assertNoNumbers(String what, Rows y) {
        for (int row = 0; row < y.count(); row++) {
            for (int i = 0; i < y.cols(); i++) {
                assertThat(y.get(row, i)).as("%s at [%d, %d]", what, row, i).isNotFinite();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("shapes")
    void embedEqualsScalar(DType type, int k) {
        Random random = new Random(k);
        Tensor table = weights(arena, type, 5, k, random);
        Rows expected = Rows.allocate(arena, 3, k);
        Rows actual = Rows.allocate(arena, 3, k);
        SCALAR.embed(table, new int[] {4, 0, 2}, expected);
        VECTOR.embed(table, new int[] {4, 0, 2}, actual);
        assertClose(type + " k=" + k, expected, actual, 1e-6);
    }

    static IntStream sizes() {
        return SizeSource.sizes();
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void rowOperationsEqualScalar(int cols) {
        Random random = new Random(cols);
        Rows x = gaussian(arena, 3, cols, random);
        Rows weight = gaussian(arena, 1, cols, random);
        Rows expected = Rows.allocate(arena, 3, cols);
        Rows actual = Rows.allocate(arena, 3, cols);
        SCALAR.rmsNorm(x, weight, 1e-5f, expected);
        VECTOR.rmsNorm(x, weight, 1e-5f, actual);
        assertClose("rmsNorm " + cols, expected, actual, 2e-6);

        Rows gate = gaussian(arena, 3, cols, random);
        for (int i = 0; i < cols; i += 5) {
            gate.set(1, i, gate.get(1, i) * 60);
        }
        Rows gateCopy = copy(arena, gate);
        SCALAR.swiglu(gate, x);
        VECTOR.swiglu(gateCopy, x);
        assertClose("swiglu " + cols, gate, gateCopy, 2e-6);

        Rows sum = copy(arena, x);
        VECTOR.add(sum, gate);
        SCALAR.add(x, gate);
        assertClose("add " + cols, x, sum, 0);
    }

    @Test
    void exponentialIsAccurateOverItsWholeRange() {
        for (int i = 0; i < 200_000; i++) {
            float x = -87f + 175f * i / 200_000;
            float actual = Lanes.exp(jdk.incubator.vector.FloatVector.broadcast(Lanes.FLOATS, x))
                    .lane(0);
            assertThat((double) actual / Math.exp(x)).as("exp(%s)", x).isBetween(1 - 3e-7, 1 + 3e-7);
        }
    }
}
