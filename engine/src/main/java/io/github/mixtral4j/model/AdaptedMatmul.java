package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.Kernels;
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
        kernels.matmul(w, x, y);
        for (LowRank change : adaptation.changesTo(w)) {
            Rows low = work.lowRank(change.rank()).withCount(x.count());
            Rows sum = work.adapted(y.cols()).withCount(x.count());
            kernels.matmul(change.a(), x, low);
            scale(low, change.scale());
            kernels.matmul(change.b(), low, sum);
            kernels.add(y, sum);
        }
    }

    private static void scale(Rows rows, float factor) {
        for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < rows.cols(); i++) {
                rows.set(row, i, factor * rows.get(row, i));
            }
        }
    }
}
