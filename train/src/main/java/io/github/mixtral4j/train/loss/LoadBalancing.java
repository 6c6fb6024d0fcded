package io.github.mixtral4j.train.loss;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;
import java.util.Arrays;

/// The load-balancing loss of the router: `E · Σ f_e · P_e`, with `f_e` the choices that fall on expert `e`
/// by the number of rows and `P_e` the mean of its probability under softmax over all experts. When all
/// experts share the rows alike it is K, the number of experts per token.
///
/// *Pooled*, rows of all layers count as one crowd, as in transformers: opposite imbalances of two layers cancel. *Per
/// layer*, it is the mean of the losses of the layers.
///
/// Choices have no gradient; it goes through `P` only: `∂/∂logit = E / N · p · (f − Σ f · p)` for a row with
/// probabilities `p` out of N.
///
/// Source: Fedus et al. 2021, "Switch Transformers", eq. 4; `load_balancing_loss_func` of transformers' Mixtral.
public final class LoadBalancing {
    private final Kernels kernels;
    private final int experts;
    private final boolean perLayer;
    /// `[layer][expert]`, as far as the forward pass has come.
    private final long[][] choices;
    private final double[][] probabilities;
    private long rows;

    /// @param perLayer whether layers are balanced one by one
    public LoadBalancing(Kernels kernels, int layers, int experts, boolean perLayer) {
        this.kernels = kernels;
        this.experts = experts;
        this.perLayer = perLayer;
        choices = new long[layers][experts];
        probabilities = new double[layers][experts];
    }

    /// Takes a layer's routing of this batch in place of the last batch's.
    ///
    /// @param logits `[rows, experts]`
    /// @param counts rows that each expert was given
    public void set(int layer, Rows logits, int[] counts) {
        rows = logits.count();
        Arrays.fill(probabilities[layer], 0);
        double[] p = new double[experts];
        for (int row = 0; row < logits.count(); row++) {
            softmax(logits, row, p);
            for (int e = 0; e < experts; e++) {
                probabilities[layer][e] += p[e];
            }
        }
        for (int e = 0; e < experts; e++) {
            choices[layer][e] = counts[e];
        }
    }

    /// The loss over the layers that were set.
    public double loss() {
        int layers = choices.length;
        double loss = 0;
        for (int layer = 0; layer < layers; layer++) {
            for (int e = 0; e < experts; e++) {
                loss += fraction(layer, e) * probabilities[layer][e] / rows;
            }
        }
        return loss * experts / layers;
    }

    /// `f_e` as it counts in a layer.
    private double fraction(int layer, int expert) {
        if (perLayer) {
            return (double) choices[layer][expert] / rows;
        }
        double sum = 0;
        for (long[] ofLayer : choices) {
            sum += ofLayer[expert];
        }
        return sum / ((double) rows * choices.length);
    }

    /// Adds the gradient of `scale` times the loss by a layer's logits.
    public void addGradient(int layer, Rows logits, double scale, Rows dLogits) {
        double factor = scale * experts / ((double) rows * choices.length);
        double[] f = new double[experts];
        Arrays.setAll(f, e -> fraction(layer, e));
        kernels.training().parallel(logits.count(), (row, worker) -> {
            double[] p = new double[experts];
            softmax(logits, row, p);
            double mean = 0;
            for (int e = 0; e < experts; e++) {
                mean += f[e] * p[e];
            }
            for (int e = 0; e < experts; e++) {
                dLogits.set(row, e, (float) (dLogits.get(row, e) + factor * p[e] * (f[e] - mean)));
            }
        });
    }

    /// Rows that each expert was given, `[layer][expert]`.
    public long[][] choices() {
        return Arrays.stream(choices).map(long[]::clone).toArray(long[][]::new);
    }

    private static void softmax(Rows logits, int row, double[] p) {
        double max = Double.NEGATIVE_INFINITY;
        for (int e = 0; e < p.length; e++) {
            max = Math.max(max, logits.get(row, e));
        }
        double total = 0;
        for (int e = 0; e < p.length; e++) {
            p[e] = Math.exp(logits.get(row, e) - max);
            total += p[e];
        }
        for (int e = 0; e < p.length; e++) {
            p[e] /= total;
        }
    }
}
