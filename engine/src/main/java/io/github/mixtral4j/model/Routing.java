package io.github.mixtral4j.model;

import io.github.mixtral4j.tensor.Rows;
import java.util.Arrays;

/// Which experts each row of a batch goes to, and the same regrouped by expert, so that an expert's weights are read
/// once for all of its rows.
///
/// Example with 3 rows and 2 experts per token: choices `[[6, 5], [5, 0], [6, 0]]` give expert 0 rows `1, 2`, expert 5
/// rows `0, 1` and expert 6 rows `0, 2`.
///
/// Filled anew for every layer; readers use it only until then.
public final class Routing {
    private final int numExperts;
    private final int perToken;
    private final int[] choices;
    private final float[] weights;
    private final int[] starts;
    private final int[] slots;
    /// Of the row in hand: its logits, and the powers that its weights are shares of.
    private final float[] scores;

    private final double[] powers;
    private int rows;

    /// A routing that can be filled for up to `maxRows` rows.
    public Routing(int maxRows, int numExperts, int perToken) {
        this.numExperts = numExperts;
        this.perToken = perToken;
        choices = new int[maxRows * perToken];
        weights = new float[maxRows * perToken];
        starts = new int[numExperts + 1];
        slots = new int[maxRows * perToken];
        scores = new float[numExperts];
        powers = new double[perToken];
    }

    /// Chooses [#expertsPerToken()] experts per row and their weights: the top K of the router's logits, ties to the
    /// lower index, then softmax over those K (equal to softmax over all, renormalized).
    ///
    /// @param logits `[rows, numExperts]`
    /// Source: Jiang et al. 2024, "Mixtral of Experts", eq. in section 2.1.
    public void route(Rows logits) {
        rows = logits.count();
        Arrays.fill(starts, 0);
        for (int row = 0; row < rows; row++) {
            for (int e = 0; e < numExperts; e++) {
                scores[e] = logits.get(row, e);
            }
            choose(row);
            softmax(row);
        }
        group();
    }

    private void choose(int row) {
        for (int k = 0; k < perToken; k++) {
            int best = -1;
            for (int e = 0; e < numExperts; e++) {
                if (!chosen(row, k, e) && (best < 0 || scores[e] > scores[best])) {
                    best = e;
                }
            }
            choices[row * perToken + k] = best;
            starts[best + 1]++;
        }
    }

    private boolean chosen(int row, int count, int expert) {
        for (int k = 0; k < count; k++) {
            if (choices[row * perToken + k] == expert) {
                return true;
            }
        }
        return false;
    }

    private void softmax(int row) {
        int first = row * perToken;
        float max = scores[choices[first]];
        double total = 0;
        for (int k = 0; k < perToken; k++) {
            powers[k] = Math.exp(scores[choices[first + k]] - max);
            total += powers[k];
        }
        for (int k = 0; k < perToken; k++) {
            weights[first + k] = (float) (powers[k] / total);
        }
    }

    private void group() {
        for (int e = 0; e < numExperts; e++) {
            starts[e + 1] += starts[e];
        }
        // Counting sort: starts[e] runs ahead while slots are filed and is moved back by one expert afterwards.
        for (int slot = 0; slot < rows * perToken; slot++) {
            slots[starts[choices[slot]]++] = slot;
        }
        System.arraycopy(starts, 0, starts, 1, numExperts);
        starts[0] = 0;
    }

    /// Rows that were routed.
    public int rows() {
        return rows;
    }

    /// Experts that a row goes to.
    public int expertsPerToken() {
        return perToken;
    }

    /// The `k`-th choice of a row, best first.
    public int choice(int row, int k) {
        return choices[row * perToken + k];
    }

    /// Weight of the `k`-th choice of a row; a row's weights sum to 1.
    public float choiceWeight(int row, int k) {
        return weights[row * perToken + k];
    }

    /// Rows that go to an expert.
    public int count(int expert) {
        return starts[expert + 1] - starts[expert];
    }

    /// The `i`-th row that goes to an expert, ascending.
    public int row(int expert, int i) {
        return slots[starts[expert] + i] / perToken;
    }

    /// Weight with which an expert's `i`-th row counts.
    public float weight(int expert, int i) {
        return weights[slots[starts[expert] + i]];
    }
}
