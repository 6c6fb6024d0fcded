package io.github.mixtral4j.train.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.op.Attention;
import io.github.mixtral4j.train.op.Buffers;
import io.github.mixtral4j.train.op.Experts;
import io.github.mixtral4j.train.op.Projection;
import io.github.mixtral4j.train.op.Projection.Backward;
import io.github.mixtral4j.train.op.Projection.Forward;
import io.github.mixtral4j.train.op.RmsNorm;
import io.github.mixtral4j.train.op.Rope;
import java.util.List;

/// One layer of the model, forward and backward: `m = x + wo · attention(norm(x))`, then
/// `y = m + experts(norm(m))`.
record Block(
        Kernels kernels,
        Buffers buffers,
        RmsNorm attentionNorm,
        Projection wq,
        Projection wk,
        Projection wv,
        Rope rope,
        Attention attention,
        Projection wo,
        RmsNorm ffnNorm,
        Projection router,
        Experts experts) {

    /// What is to be added to the gradient of the router's logits for its own losses.
    @FunctionalInterface
    interface RouterGradient {
        void add(Rows logits, Rows dLogits);
    }

    /// Sets `y` and fills the activations.
    ///
    /// @param bounds first row of each sample, and the number of rows
    void forward(Rows x, int[] positions, int[] bounds, Activations a, Rows y) {
        a.setCount(x.count());
        attentionNorm.forward(x, a.attentionIn());
        Projection.forward(List.of(
                new Forward(wq, a.attentionIn(), a.q()),
                new Forward(wk, a.attentionIn(), a.k()),
                new Forward(wv, a.attentionIn(), a.v())));
        rope.forward(a.q(), positions);
        rope.forward(a.k(), positions);
        attention.forward(a.q(), a.k(), a.v(), bounds, a.heads(), a.logSums());
        wo.forward(a.heads(), a.middle());
        kernels.add(a.middle(), x);

        ffnNorm.forward(a.middle(), a.ffnIn());
        router.forward(a.ffnIn(), a.logits());
        a.router().forward(a.logits());
        a.setSlots(a.router().slotCount());
        experts.forward(a.ffnIn(), a.router(), a.gate(), a.up(), y);
        kernels.add(y, a.middle());
    }

    /// Turns `dx`, the gradient of `y`, into that of `x`. The activations of the experts are gone afterwards.
    void backward(Rows x, int[] positions, int[] bounds, Activations a, RouterGradient losses, Rows dx) {
        int rows = x.count();
        Rows dNormed = buffers.rows("dNormed", rows, x.cols());
        Rows more = buffers.rows("dNormed more", rows, x.cols());
        Rows dLogits = buffers.rows("dLogits", rows, a.logits().cols());
        float[] dWeights = experts.backward(a.ffnIn(), a.router(), a.gate(), a.up(), dx, dNormed);
        a.router().backward(kernels, dWeights, dLogits);
        losses.add(a.logits(), dLogits);
        router.backward(dLogits, a.ffnIn(), more);
        kernels.add(dNormed, more);
        ffnNorm.backward(a.middle(), dNormed, dx);

        Rows dHeads = buffers.rows("dHeads", rows, a.heads().cols());
        Rows dq = buffers.rows("dq", rows, a.q().cols());
        Rows dk = buffers.rows("dk", rows, a.k().cols());
        Rows dv = buffers.rows("dv", rows, a.v().cols());
        wo.backward(dx, a.heads(), dHeads);
        attention.backward(a.q(), a.k(), a.v(), bounds, a.heads(), a.logSums(), dHeads, dq, dk, dv);
        rope.backward(dq, positions);
        rope.backward(dk, positions);
        Rows ofKeys = buffers.rows("dNormed of keys", rows, x.cols());
        Projection.backward(List.of(
                new Backward(wq, dq, a.attentionIn(), dNormed),
                new Backward(wk, dk, a.attentionIn(), ofKeys),
                new Backward(wv, dv, a.attentionIn(), more)));
        kernels.add(dNormed, ofKeys);
        kernels.add(dNormed, more);
        attentionNorm.backward(x, dNormed, dx);
    }
}
