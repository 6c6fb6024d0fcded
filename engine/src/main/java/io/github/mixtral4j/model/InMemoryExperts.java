package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.Precision;
import io.github.mixtral4j.kernel.Products;
import io.github.mixtral4j.tensor.Rows;

/// Experts whose weights can be addressed directly. Rows are gathered by expert, so that prefill reads each expert
/// once per batch, and as many experts as the workspace has room for are computed together, so that in decode threads
/// wait for each other once per sub-layer and not once per matrix.
final class InMemoryExperts implements Experts {
    private final Kernels kernels;
    private final AdaptedMatmul linear;

    InMemoryExperts(Kernels kernels, AdaptedMatmul linear) {
        this.kernels = kernels;
        this.linear = linear;
    }

    @Override
    public void apply(MoeWeights weights, Routing routing, Rows x, Rows out, Workspace work) {
        clear(out);
        int from = 0;
        while (from < weights.experts().size()) {
            int to = from;
            int rows = 0;
            while (to < weights.experts().size() && rows + routing.count(to) <= work.expertCapacity()) {
                work.expert(to).place(rows, routing.count(to));
                rows += routing.count(to++);
            }
            together(weights, routing, from, to, rows, x, out, work);
            from = to;
        }
    }

    /// Experts `[from, to)`, which have `rows` rows in all.
    private void together(
            MoeWeights weights, Routing routing, int from, int to, int rows, Rows x, Rows out, Workspace work) {
        Products products = work.products().clear();
        for (int e = from; e < to; e++) {
            if (routing.count(e) > 0) {
                ExpertRows expert = work.expert(e);
                expert.gather(x, routing, e);
                products.add(weights.experts().get(e).gateProj(), expert.in(), expert.gate());
                products.add(weights.experts().get(e).upProj(), expert.in(), expert.up());
            }
        }
        linear.multiply(products, Precision.COARSE, work);
        kernels.swiglu(work.gate().withCount(rows), work.up().withCount(rows));
        products.clear();
        for (int e = from; e < to; e++) {
            if (routing.count(e) > 0) {
                ExpertRows expert = work.expert(e);
                products.add(weights.experts().get(e).downProj(), expert.gate(), expert.out());
            }
        }
        linear.multiply(products, Precision.COARSE, work);
        for (int e = from; e < to; e++) {
            work.expert(e).scatter(routing, e, out);
        }
    }

    /// `out = downProj · (silu(gateProj · x) * (upProj · x))` for all rows in use of `x`: the one expert of a model
    /// that is no mixture.
    void swiglu(SwigluWeights weights, Rows x, Rows out, Workspace work) {
        Rows gate = work.gate().withCount(x.count());
        Rows up = work.up().withCount(x.count());
        Products products = work.products().clear();
        products.add(weights.gateProj(), x, gate).add(weights.upProj(), x, up);
        linear.multiply(products, Precision.COARSE, work);
        kernels.swiglu(gate, up);
        linear.multiply(products.clear().add(weights.downProj(), gate, out), Precision.COARSE, work);
    }

    private static void clear(Rows out) {
        for (int row = 0; row < out.count(); row++) {
            for (int i = 0; i < out.cols(); i++) {
                out.set(row, i, 0);
            }
        }
    }
}
