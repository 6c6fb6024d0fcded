package io.github.mixtral4j.tensor;

import java.util.Arrays;

/// Extents of a tensor, outermost first: a weight matrix is `[out, in]`, a stack of experts `[experts, out, in]`.
/// The last dimension is contiguous in memory. (GGUF files list the same extents in the opposite order.)
public final class Shape {
    private final int[] dims;

    private Shape(int[] dims) {
        this.dims = dims;
    }

    /// A shape with these extents, outermost first.
    ///
    /// @throws IllegalArgumentException if there are none, or one is not positive
    public static Shape of(int... dims) {
        if (dims.length == 0) {
            throw new IllegalArgumentException("a shape needs at least one dimension");
        }
        for (int d : dims) {
            if (d <= 0) {
                throw new IllegalArgumentException("dimensions must be positive, got " + Arrays.toString(dims));
            }
        }
        return new Shape(dims.clone());
    }

    /// A matrix of `rows` rows of `cols` contiguous elements.
    public static Shape matrix(int rows, int cols) {
        return of(rows, cols);
    }

    /// Number of dimensions.
    public int rank() {
        return dims.length;
    }

    /// Extent of dimension `i`, 0 the outermost.
    public int dim(int i) {
        return dims[i];
    }

    /// Extent of the contiguous, innermost dimension.
    public int cols() {
        return dims[dims.length - 1];
    }

    /// Number of contiguous rows: the product of all extents but the last.
    public long rows() {
        return elements() / cols();
    }

    /// Number of elements.
    ///
    /// @throws ArithmeticException if it does not fit a `long`
    public long elements() {
        long n = 1;
        for (int d : dims) {
            n = Math.multiplyExact(n, (long) d);
        }
        return n;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape s && Arrays.equals(dims, s.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    @Override
    public String toString() {
        return Arrays.toString(dims);
    }
}
