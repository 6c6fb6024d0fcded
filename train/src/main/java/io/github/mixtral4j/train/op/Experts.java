package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.TrainingOps;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.op.Projection.Backward;
import io.github.mixtral4j.train.op.Projection.Forward;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// The experts of a layer: `out[row] = Σ down(weight · silu(gate(x)) * up(x))` over the row's experts. Rows
/// are gathered by expert, so that every expert is a few large products.
///
/// The weight of a choice stands before the matrix `down`, which is linear, and not behind it: so its gradient needs
/// what the backward pass has at hand, and not the expert's result.
///
/// Source: Shazeer 2020, "GLU Variants Improve Transformer", eq. 6.
public final class Experts {
    /// One expert's matrices.
    ///
    /// @param gate `[intermediateSize, hiddenSize]`
    /// @param up `[intermediateSize, hiddenSize]`
    /// @param down `[hiddenSize, intermediateSize]`
    public record Expert(Projection gate, Projection up, Projection down) {}

    private final Kernels kernels;
    private final List<Expert> experts;
    private final Buffers buffers;
    private final float[] dWeights;

    /// @param buffers for as many rows as there can be slots
    public Experts(Kernels kernels, List<Expert> experts, int maxSlots, Buffers buffers) {
        this.kernels = kernels;
        this.experts = List.copyOf(experts);
        this.buffers = buffers;
        dWeights = new float[maxSlots];
    }

    /// @param gate `[slots, intermediateSize]`, receives what the backward pass needs
    /// @param up `[slots, intermediateSize]`, as well
    public void forward(Rows x, Router router, Rows gate, Rows up, Rows out) {
        TrainingOps ops = kernels.training();
        int slots = router.slotCount();
        Rows in = gather(x, router, "expert in");
        Rows hidden = buffers.rows("expert hidden", slots, gate.cols());
        Rows results = buffers.rows("expert out", slots, out.cols());
        List<Forward> inner = new ArrayList<>();
        List<Forward> outer = new ArrayList<>();
        for (int e = 0; e < experts.size(); e++) {
            if (router.count(e) > 0) {
                Expert expert = experts.get(e);
                inner.add(new Forward(expert.gate(), part(in, router, e), part(gate, router, e)));
                inner.add(new Forward(expert.up(), part(in, router, e), part(up, router, e)));
                outer.add(new Forward(expert.down(), part(hidden, router, e), part(results, router, e)));
            }
        }
        Projection.forward(inner);
        ops.swiglu(gate, up, router.weightOfSlot(), hidden);
        Projection.forward(outer);
        ops.sumRows(results, router.slotsOfRow(), router.perToken(), out);
    }

    /// Sets `dx`.
    ///
    /// @param gate as [#forward] left it; what is in it afterwards means nothing
    /// @param up as well
    /// @return the gradients of the slots' weights, until the next call
    public float[] backward(Rows x, Router router, Rows gate, Rows up, Rows dOut, Rows dx) {
        TrainingOps ops = kernels.training();
        int slots = router.slotCount();
        Rows in = gather(x, router, "expert in");
        Rows dResults = gather(dOut, router, "expert out");
        Rows hidden = buffers.rows("expert hidden", slots, gate.cols());
        Rows dHidden = buffers.rows("expert dHidden", slots, gate.cols());
        Rows dIn = buffers.rows("expert dIn", slots, x.cols());
        Rows dInOfUp = buffers.rows("expert dInOfUp", slots, x.cols());
        List<Backward> inner = new ArrayList<>();
        List<Backward> outer = new ArrayList<>();
        for (int e = 0; e < experts.size(); e++) {
            if (router.count(e) > 0) {
                Expert expert = experts.get(e);
                Rows ofExpert = part(in, router, e);
                outer.add(new Backward(
                        expert.down(), part(dResults, router, e), part(hidden, router, e), part(dHidden, router, e)));
                inner.add(new Backward(expert.gate(), part(gate, router, e), ofExpert, part(dIn, router, e)));
                inner.add(new Backward(expert.up(), part(up, router, e), ofExpert, part(dInOfUp, router, e)));
            }
        }
        ops.swiglu(gate, up, router.weightOfSlot(), hidden);
        Projection.backward(outer);
        ops.swigluBackward(gate, up, dHidden, router.weightOfSlot(), dWeights);
        Projection.backward(inner);
        kernels.add(dIn, dInOfUp);
        ops.sumRows(dIn, router.slotsOfRow(), router.perToken(), dx);
        return dWeights;
    }

    /// An expert's slots.
    private static Rows part(Rows rows, Router router, int expert) {
        return rows.slice(router.start(expert), router.count(expert));
    }

    /// The rows of all slots.
    private Rows gather(Rows x, Router router, String use) {
        Rows out = buffers.rows(use, router.slotCount(), x.cols());
        int[] rows = router.rowOfSlot();
        kernels.training()
                .parallel(
                        out.count(),
                        (slot, worker) -> MemorySegment.copy(
                                x.data(), x.offset(rows[slot]), out.data(), out.offset(slot), x.rowBytes()));
        return out;
    }
}
