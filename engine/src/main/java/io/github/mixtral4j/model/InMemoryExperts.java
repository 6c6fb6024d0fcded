package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;

/// Experts whose weights can be addressed directly. Rows are gathered by expert, so that prefill reads each expert
/// once per batch.
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
        for (int expert = 0; expert < weights.experts().size(); expert++) {
            int count = routing.count(expert);
            if (count == 0) {
                continue;
            }
            Rows in = work.expertIn().withCount(count);
            Rows result = work.expertOut().withCount(count);
            for (int i = 0; i < count; i++) {
                MemorySegment.copy(x.data(), x.offset(routing.row(expert, i)), in.data(), in.offset(i), x.offset(1));
            }
            swiglu(weights.experts().get(expert), in, result, work);
            for (int i = 0; i < count; i++) {
                addScaled(out, routing.row(expert, i), routing.weight(expert, i), result, i);
            }
        }
    }

    /// `out = downProj · (silu(gateProj · x) * (upProj · x))` for all rows in use of `x`.
    void swiglu(SwigluWeights weights, Rows x, Rows out, Workspace work) {
        Rows gate = work.gate().withCount(x.count());
        Rows up = work.up().withCount(x.count());
        linear.multiply(weights.gateProj(), x, gate, work);
        linear.multiply(weights.upProj(), x, up, work);
        kernels.swiglu(gate, up);
        linear.multiply(weights.downProj(), gate, out, work);
    }

    private static void clear(Rows out) {
        for (int row = 0; row < out.count(); row++) {
            for (int i = 0; i < out.cols(); i++) {
                out.set(row, i, 0);
            }
        }
    }

    private static void addScaled(Rows out, int row, float weight, Rows values, int valueRow) {
        for (int i = 0; i < out.cols(); i++) {
            out.set(row, i, out.get(row, i) + weight * values.get(valueRow, i));
        }
    }
}
