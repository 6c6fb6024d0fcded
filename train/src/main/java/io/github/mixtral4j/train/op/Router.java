package io.github.mixtral4j.train.op;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.Routing;
import io.github.mixtral4j.tensor.Rows;
import java.util.Arrays;

/// The choice of experts: top K of a row's logits, then softmax over those K; and the rows regrouped by expert.
///
/// A *slot* is one row at one of its experts. Slots are numbered by expert and within an expert by row, so that an
/// expert's slots are contiguous. Only the weights have a gradient: a choice does not change with small changes.
///
/// Source: Jiang et al. 2024, "Mixtral of Experts", section 2.1.
public final class Router {
    private final int numExperts;
    private final int perToken;
    private final Routing routing;
    private final int[] slots;
    private final float[] weights;
    private final int[] rows;
    private final float[] slotWeights;
    private final int[] starts;

    /// A router for up to `maxRows` rows.
    public Router(int maxRows, int numExperts, int perToken) {
        this.numExperts = numExperts;
        this.perToken = perToken;
        routing = new Routing(maxRows, numExperts, perToken);
        slots = new int[maxRows * perToken];
        weights = new float[maxRows * perToken];
        rows = new int[maxRows * perToken];
        slotWeights = new float[maxRows * perToken];
        starts = new int[numExperts + 1];
    }

    /// Routes the rows.
    ///
    /// @param logits `[rows, numExperts]`
    public void forward(Rows logits) {
        routing.route(logits);
        int slot = 0;
        for (int expert = 0; expert < numExperts; expert++) {
            starts[expert] = slot;
            for (int i = 0; i < routing.count(expert); i++) {
                int row = routing.row(expert, i);
                int k = 0;
                while (routing.choice(row, k) != expert) {
                    k++;
                }
                rows[slot] = row;
                slotWeights[slot] = routing.weight(expert, i);
                slots[row * perToken + k] = slot;
                weights[row * perToken + k] = routing.weight(expert, i);
                slot++;
            }
        }
        starts[numExperts] = slot;
    }

    /// `dLogits` from the gradients of the slots' weights: within the K chosen of a row,
    /// `dl = p · (dp − Σ p · dp)`; zero for the others.
    ///
    /// @param dWeights one per slot
    public void backward(Kernels kernels, float[] dWeights, Rows dLogits) {
        kernels.training().parallel(dLogits.count(), (row, worker) -> {
            for (int e = 0; e < numExperts; e++) {
                dLogits.set(row, e, 0);
            }
            float mean = 0;
            for (int k = row * perToken; k < (row + 1) * perToken; k++) {
                mean += weights[k] * dWeights[slots[k]];
            }
            for (int k = 0; k < perToken; k++) {
                int at = row * perToken + k;
                dLogits.set(row, routing.choice(row, k), weights[at] * (dWeights[slots[at]] - mean));
            }
        });
    }

    /// Experts of a row.
    public int perToken() {
        return perToken;
    }

    /// Slots in use.
    public int slotCount() {
        return starts[numExperts];
    }

    /// First slot of an expert; that of the expert after it is where its slots end.
    public int start(int expert) {
        return starts[expert];
    }

    /// Slots of an expert.
    public int count(int expert) {
        return starts[expert + 1] - starts[expert];
    }

    /// Slots of every expert.
    public int[] counts() {
        int[] counts = new int[numExperts];
        Arrays.setAll(counts, this::count);
        return counts;
    }

    /// Row of every slot.
    int[] rowOfSlot() {
        return rows;
    }

    /// Weight of every slot.
    float[] weightOfSlot() {
        return slotWeights;
    }

    /// The slots of every row, best choice first.
    int[] slotsOfRow() {
        return slots;
    }
}
