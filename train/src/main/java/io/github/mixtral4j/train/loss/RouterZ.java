package io.github.mixtral4j.train.loss;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;

/// The z-loss of the router: the mean over rows and layers of `(log Σ e^logit)²`, which keeps its logits from growing.
/// Its gradient is `2 · log Σ e^logit · softmax(logits)`, by the number of rows and layers.
///
/// Source: Zoph et al. 2022, "ST-MoE", eq. 5.
public final class RouterZ {
    private final Kernels kernels;
    private final double[] sums;
    private long rows;

    /// A loss over so many layers.
    public RouterZ(Kernels kernels, int layers) {
        this.kernels = kernels;
        sums = new double[layers];
    }

    /// Takes a layer's logits of this batch in place of the last batch's.
    public void set(int layer, Rows logits) {
        rows = logits.count();
        sums[layer] = 0;
        for (int row = 0; row < logits.count(); row++) {
            double z = logSum(logits, row);
            sums[layer] += z * z;
        }
    }

    /// The loss over the layers that were set.
    public double loss() {
        double sum = 0;
        for (double ofLayer : sums) {
            sum += ofLayer;
        }
        return sum / ((double) rows * sums.length);
    }

    /// Adds the gradient of `scale` times the loss by a layer's logits.
    public void addGradient(Rows logits, double scale, Rows dLogits) {
        double factor = 2 * scale / ((double) rows * sums.length);
        kernels.training().parallel(logits.count(), (row, worker) -> {
            double z = logSum(logits, row);
            for (int e = 0; e < logits.cols(); e++) {
                double p = Math.exp(logits.get(row, e) - z);
                dLogits.set(row, e, (float) (dLogits.get(row, e) + factor * z * p));
            }
        });
    }

    private static double logSum(Rows logits, int row) {
        double max = Double.NEGATIVE_INFINITY;
        for (int e = 0; e < logits.cols(); e++) {
            max = Math.max(max, logits.get(row, e));
        }
        double total = 0;
        for (int e = 0; e < logits.cols(); e++) {
            total += Math.exp(logits.get(row, e) - max);
        }
        return max + Math.log(total);
    }
}
