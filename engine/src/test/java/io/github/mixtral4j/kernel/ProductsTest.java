package io.github.mixtral4j.kernel;

import static io.github.mixtral4j.kernel.TestRows.assertAbsolutelyClose;
import static io.github.mixtral4j.kernel.TestRows.gaussian;
import static io.github.mixtral4j.kernel.TestRows.weights;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
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

    @Test
    void shapesThatDoNotFitAreRefused() {
        Tensor w = weights(arena, DType.Q8_0, 40, 32, random);
        Rows x = gaussian(arena, 2, 32, random);
        Rows[] wrong = {Rows.allocate(arena, 2, 16), Rows.allocate(arena, 1, 40)};
        for (Rows y : wrong) {
            KERNELS.forEach((name, kernels) -> assertThatThrownBy(
                            () -> kernels.matmul(new Products().add(w, x, y), Precision.FINE))
                    .as(name)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "w: expected y[n, 40] = x[n, 32] · wᵀ, found y[%d, %d] and x[2, 32]", y.count(), y.cols()));
        }
        Rows dy = gaussian(arena, 2, 40, random);
        Rows dx = Rows.allocate(arena, 2, 31);
        assertThatThrownBy(() -> new BackwardProduct.OfInput(w, dy, dx))
                .hasMessage("the shapes of dx = dy · w do not go together, with [2, 40] and [2, 31]");
    }

    @ParameterizedTest
    @EnumSource
    void severalProductsEqualTheOracle(Precision precision) {
        // One row, two and many; the second and the third product share their activations, the fourth is a router.
        DType[] types = {DType.Q4_K, DType.Q6_K, DType.Q6_K, DType.F32, DType.BF16, DType.Q4_0};
        int[] widths = {700, 130, 257, 8, 90, 70};
        int[] rows = {1, 40, 40, 5, 2, 17};
        Rows in = gaussian(arena, 120, K, random);
        Products products = new Products();
        Products expected = new Products();
        int from = 3;
        for (int i = 0; i < types.length; i++) {
            Rows x = i == 2 ? products.x(1) : in.view().withRows(from, rows[i]);
            Rows y = Rows.allocate(arena, 130, widths[i]).withRows(5 + i, rows[i]);
            Tensor w = weights(arena, types[i], widths[i], K, random);
            products.add(w, x, y);
            expected.add(w, x, Rows.allocate(arena, rows[i], widths[i]));
            from += rows[i];
        }
        SCALAR.matmul(expected, precision);
        // A sum of K products of gaussian numbers; the errors as parts of its spread are those of Precision, times
        // five.
        double tolerance = (precision == Precision.FINE ? 0.015 : 0.06) * Math.sqrt(K);
        KERNELS.forEach((name, kernels) -> {
            int rounded = name.equals("vector") ? VectorGemv.MAX_ROWS : NativeProduct.ROUNDED_ROWS;
            kernels.matmul(products, precision);
            for (int i = 0; i < products.size(); i++) {
                // Few rows may be rounded whatever is asked for.
                double allowed = rows[i] <= rounded ? 0.06 * Math.sqrt(K) : tolerance;
                assertAbsolutelyClose(name + ", product " + i, expected.y(i), products.y(i), allowed);
                assertThat(products.y(i).data().get(Rows.FLOAT, 0))
                        .as("outside the view")
                        .isZero();
            }
        });
    }
}
