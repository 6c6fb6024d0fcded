package io.github.mixtral4j.train.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.loss.CrossEntropy;
import io.github.mixtral4j.train.op.Projection;
import io.github.mixtral4j.train.op.RmsNorm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Last norm, output matrix and cross entropy, forward and backward in one, a piece of the rows at a time:
/// the logits of a whole batch would be larger than everything else that training keeps. Rows that predict
/// nothing are left out.
final class Head {
    /// Rows of a piece.
    private static final int PIECE = 512;

    private final Kernels kernels;
    private final RmsNorm norm;
    private final Projection output;
    private final CrossEntropy loss;
    /// The rows of the batch that predict something, their targets and weights.
    private final int[] rows;
    private final int[] targets;
    private final float[] weights;
    private int count;
    private final Rows in;
    private final Rows normed;
    private final Rows logits;
    private final Rows dNormed;
    private final Rows dIn;
    private final int[] pieceTargets = new int[PIECE];
    private final float[] pieceWeights = new float[PIECE];
    private final float[] pieceLogProbs = new float[PIECE];

    Head(Kernels kernels, RmsNorm norm, Projection output, int maxRows, MixtralConfig config, Arena arena) {
        this.kernels = kernels;
        this.norm = norm;
        this.output = output;
        loss = new CrossEntropy(kernels, PIECE);
        rows = new int[maxRows];
        targets = new int[maxRows];
        weights = new float[maxRows];
        in = Rows.allocate(arena, PIECE, config.hiddenSize());
        normed = Rows.allocate(arena, PIECE, config.hiddenSize());
        logits = Rows.allocate(arena, PIECE, config.vocabSize());
        dNormed = Rows.allocate(arena, PIECE, config.hiddenSize());
        dIn = Rows.allocate(arena, PIECE, config.hiddenSize());
    }

    /// The sum of weighted losses that the last call has found.
    double lossSum() {
        return loss.lossSum();
    }

    /// The sum of their weights.
    double weightSum() {
        return loss.weightSum();
    }

    /// Finds the losses.
    void loss(PackedBatch batch, Rows x) {
        select(batch, false);
        for (int from = 0; from < count; from += PIECE) {
            forward(x, from, 0);
        }
    }

    /// Finds the losses and sets the rows of `dx` that predict something to the gradient of `scale` times their sum.
    void lossAndGradient(PackedBatch batch, Rows x, float scale, Rows dx) {
        select(batch, false);
        for (int from = 0; from < count; from += PIECE) {
            int n = forward(x, from, scale);
            output.backward(logits, normed, dNormed.withCount(n));
            dIn.withCount(n).data().fill((byte) 0);
            norm.backward(in, dNormed, dIn);
            for (int i = 0; i < n; i++) {
                MemorySegment.copy(dIn.data(), dIn.offset(i), dx.data(), dx.offset(rows[from + i]), dx.rowBytes());
            }
        }
    }

    /// `log p` of every token, 0 for the first of a sample.
    float[] logProbs(PackedBatch batch, Rows x) {
        float[] logProbs = new float[batch.rows()];
        select(batch, true);
        for (int from = 0; from < count; from += PIECE) {
            int n = forward(x, from, 0);
            for (int i = 0; i < n; i++) {
                logProbs[rows[from + i] + 1] = pieceLogProbs[i];
            }
        }
        return logProbs;
    }

    private void select(PackedBatch batch, boolean all) {
        loss.reset();
        count = 0;
        for (int sample = 0; sample < batch.samples(); sample++) {
            for (int next = batch.starts()[sample] + 1; next < batch.end(sample); next++) {
                if (all || batch.weights()[next] != 0) {
                    rows[count] = next - 1;
                    targets[count] = batch.tokens()[next];
                    weights[count] = batch.weights()[next];
                    count++;
                }
            }
        }
    }

    /// Runs a piece; the gradient of its logits takes their place.
    private int forward(Rows x, int from, float scale) {
        int n = Math.min(PIECE, count - from);
        in.withCount(n);
        kernels.training()
                .parallel(
                        n,
                        (i, worker) -> MemorySegment.copy(
                                x.data(), x.offset(rows[from + i]), in.data(), in.offset(i), x.rowBytes()));
        norm.forward(in, normed.withCount(n));
        output.forward(normed, logits.withCount(n));
        System.arraycopy(targets, from, pieceTargets, 0, n);
        System.arraycopy(weights, from, pieceWeights, 0, n);
        loss.add(logits, pieceTargets, pieceWeights, scale, pieceLogProbs);
        return n;
    }
}
