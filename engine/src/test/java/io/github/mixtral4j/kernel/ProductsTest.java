package io.github.mixtral4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Several products in one call are the products one by one: of mixed formats and sizes, with shared and with own
/// activations, on views into larger buffers.
class ProductsTest {
    private static final int K = 512;
    private static final ScalarKernels SCALAR = new ScalarKernels(1);
    private static final Map<String, Kernels> KERNELS = new LinkedHashMap<>(TestNative.everyLevel(2));

    static {
        KERNELS.put("vector", new VectorKernels(2));
    }

    private final Arena arena = Arena.ofAuto();
    private final Random random = new Random(11);

    @AfterAll
    static void close() {
        SCALAR.close();
        KERNELS.values().forEach(Kernels::close);
    }

    @ParameterizedTest
    @EnumSource
    void severalProductsEqualTheOracle(Precision precision) {
        // One row, two and many; the second and the third product share their activations, the fourth is a router.
        DType[] types = {DType.Q4_K, DType.Q6_K, DType.Q6_K, DType.F32, DType.BF16, DType.Q4_0};
        int[] widths = {700, 130, 257, 8, 90, 70};
        int[] rows = {1, 40, 40, 5, 2, 17};
        Rows in = gaussian(120);
        Products products = new Products();
        Products expected = new Products();
        int from = 3;
        for (int i = 0; i < types.length; i++) {
            Rows x = i == 2 ? products.x(1) : in.view().withRows(from, rows[i]);
            Rows y = Rows.allocate(arena, 130, widths[i]).withRows(5 + i, rows[i]);
            Tensor w = weights(types[i], widths[i]);
            products.add(w, x, y);
            expected.add(w, x, Rows.allocate(arena, rows[i], widths[i]));
            from += rows[i];
        }
        SCALAR.matmul(expected, precision);
        // A sum of K products of gaussian numbers; the errors as parts of its spread are those of Precision, times
        // five.
        double tolerance = (precision == Precision.FINE ? 0.015 : 0.06) * Math.sqrt(K);
        KERNELS.forEach((name, kernels) -> {
            kernels.matmul(products, precision);
            for (int i = 0; i < products.size(); i++) {
                // One or two rows may be rounded whatever is asked for, and vector kernels do so for up to eight.
                double allowed = rows[i] <= VectorGemv.MAX_ROWS ? 0.06 * Math.sqrt(K) : tolerance;
                assertClose(name + ", product " + i, expected.y(i), products.y(i), allowed);
                assertThat(products.y(i).data().get(Rows.FLOAT, 0))
                        .as("outside the view")
                        .isZero();
            }
        });
    }

    private Rows gaussian(int rows) {
        Rows x = Rows.allocate(arena, rows, K);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < K; i++) {
                x.set(row, i, (float) random.nextGaussian());
            }
        }
        return x;
    }

    private Tensor weights(DType type, int rows) {
        Shape shape = Shape.matrix(rows, K);
        MemorySegment data = arena.allocate(type.bytes((long) rows * K), 64);
        float[] values = new float[rows * K];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        BlockCodec.of(type).encode(values, 0, data, 0, values.length);
        return new Tensor("w", type, shape, data);
    }

    private static void assertClose(String what, Rows expected, Rows actual, double tolerance) {
        for (int row = 0; row < expected.count(); row++) {
            for (int i = 0; i < expected.cols(); i++) {
                double difference = Math.abs(expected.get(row, i) - actual.get(row, i));
                assertThat(difference).as("%s [%d, %d]", what, row, i).isLessThanOrEqualTo(tolerance);
            }
        }
    }
}
