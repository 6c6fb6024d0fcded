package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Products `y = x · wᵀ` that do not depend on each other, for [Kernels#matmul(Products, Precision)].
///
/// A list that its owner empties and fills again for every step, so that a step allocates nothing. It borrows what is
/// in it until then.
public final class Products {
    private final List<Tensor> weights = new ArrayList<>();
    private final List<Rows> inputs = new ArrayList<>();
    private final List<Rows> outputs = new ArrayList<>();

    /// Empties the list.
    ///
    /// @return this
    public Products clear() {
        weights.clear();
        inputs.clear();
        outputs.clear();
        return this;
    }

    /// Adds `y = x · wᵀ`; products that share `x` stand together best.
    ///
    /// @param w `[n, k]`
    /// @param x `[rows, k]`
    /// @param y `[rows, n]`, rows in use as in `x`
    /// @return this
    /// @throws IllegalArgumentException if the shapes do not fit: C would write beyond `y`
    public Products add(Tensor w, Rows x, Rows y) {
        if (w.cols() != x.cols() || w.rows() != y.cols() || x.count() != y.count()) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "%s: expected y[n, %d] = x[n, %d] · wᵀ, found y[%d, %d] and x[%d, %d]",
                    w.name(),
                    w.rows(),
                    w.cols(),
                    y.count(),
                    y.cols(),
                    x.count(),
                    x.cols()));
        }
        weights.add(w);
        inputs.add(x);
        outputs.add(y);
        return this;
    }

    /// Products in the list.
    public int size() {
        return weights.size();
    }

    /// Weights of product `i`.
    public Tensor w(int i) {
        return weights.get(i);
    }

    /// Activations of product `i`.
    public Rows x(int i) {
        return inputs.get(i);
    }

    /// Result of product `i`.
    public Rows y(int i) {
        return outputs.get(i);
    }
}
