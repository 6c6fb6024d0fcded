package io.github.mixtral4j.kernel;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

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
    public Products add(Tensor w, Rows x, Rows y) {
        assert w.cols() == x.cols() && w.rows() == y.cols() && x.count() == y.count();
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
