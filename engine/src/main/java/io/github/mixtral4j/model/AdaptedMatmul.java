package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.Precision;
import io.github.mixtral4j.kernel.Products;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;

/// Products with the weights of a model, low-rank changes included. Where nothing is changed, it is the product alone.
final class AdaptedMatmul {
    private final Kernels kernels;
    private final Adaptation adaptation;

    AdaptedMatmul(Kernels kernels, Adaptation adaptation) {
        this.kernels = kernels;
        this.adaptation = adaptation;
    }

    /// `y = x · wᵀ + Σ scale · (x · aᵀ) · bᵀ` over the changes to `w`, added in the order of the adapters.
    void multiply(Tensor w, Rows x, Rows y, Workspace work) {
        multiply(work.products().clear().add(w, x, y), Precision.FINE, work);
    }

    /// The same for several products, the weights' own together. `precision` does not concern what adapters add.
    void multiply(Products products, Precision precision, Workspace work) {
        kernels.matmul(products, precision);
        for (int i = 0; i < products.size(); i++) {
            for (LowRank change : adaptation.changesTo(products.w(i))) {
                add(change, products.x(i), products.y(i), work);
            }
        }
    }

    private void add(LowRank change, Rows x, Rows y, Workspace work) {
        Rows low = work.lowRank(change.rank()).withCount(x.count());
        Rows sum = work.adapted(y.cols()).withCount(x.count());
        kernels.matmul(change.a(), x, low);
        scale(low, change.scale());
        kernels.matmul(change.b(), low, sum);
        kernels.add(y, sum);
    }

    private static void scale(Rows rows, float factor) {
        for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < rows.cols(); i++) {
                rows.set(row, i, factor * rows.get(row, i));
            }
        }
    }
}
