package io.github.mixtral4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/// Holds gradients against central differences, in double precision, of a function written down in the test. A test
/// projects the result of an operation on random numbers, `Σ dy · y`; its gradient by `x` is then the `dx` that the
/// operation's backward pass makes of `dy`.
public final class Gradients {
    private static final double STEP = 1e-5;

    private Gradients() {}

    /// Compares the gradient at every element.
    ///
    /// @param x the numbers at which the function is differentiated
    /// @param dx what the backward pass says
    /// @param function of the numbers of `x`, row by row
    public static void check(String what, Rows x, Rows dx, ToDoubleFunction<double[]> function) {
        double[] values = values(x);
        double[] gradient = values(dx);
        double size = 1e-3;
        for (double g : gradient) {
            size = Math.max(size, Math.abs(g));
        }
        for (int i = 0; i < values.length; i++) {
            double value = values[i];
            values[i] = value + STEP;
            double above = function.applyAsDouble(values);
            values[i] = value - STEP;
            double below = function.applyAsDouble(values);
            values[i] = value;
            assertThat(gradient[i])
                    .as("%s: gradient of element %d, of gradients up to %s", what, i, size)
                    .isCloseTo((above - below) / (2 * STEP), within(1e-5 * size));
        }
    }

    /// The numbers in use, row by row.
    public static double[] values(Rows rows) {
        double[] values = new double[rows.count() * rows.cols()];
        for (int i = 0; i < values.length; i++) {
            values[i] = rows.get(i / rows.cols(), i % rows.cols());
        }
        return values;
    }

    /// Normal numbers.
    public static Rows gaussian(int rows, int cols, Random random) {
        Rows x = Rows.allocate(Arena.ofAuto(), rows, cols);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < cols; i++) {
                x.set(row, i, (float) random.nextGaussian());
            }
        }
        return x;
    }

    /// Zeros.
    public static Rows zeros(int rows, int cols) {
        return Rows.allocate(Arena.ofAuto(), rows, cols);
    }

    /// A view of the same numbers.
    public static Tensor tensor(Rows rows) {
        return new Tensor("w", DType.F32, Shape.matrix(rows.capacity(), rows.cols()), rows.data());
    }

    /// `Σ a · b`.
    public static double dot(double[] a, Rows b) {
        double[] other = values(b);
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * other[i];
        }
        return sum;
    }

    /// `x · wᵀ` for rows of width `cols`.
    public static double[] times(double[] w, double[] x, int cols) {
        int n = w.length / cols;
        double[] y = new double[x.length / cols * n];
        for (int i = 0; i < y.length; i++) {
            for (int c = 0; c < cols; c++) {
                y[i] += w[i % n * cols + c] * x[i / n * cols + c];
            }
        }
        return y;
    }
}
