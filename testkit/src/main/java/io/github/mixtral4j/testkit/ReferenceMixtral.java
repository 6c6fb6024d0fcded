package io.github.mixtral4j.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Mixtral's forward pass in double precision: one sequence, no cache, plain loops, written from the paper.
///
/// Source: Jiang et al. 2024, "Mixtral of Experts" (router and experts); Touvron et al. 2023, "LLaMA" (block);
/// Su et al. 2021, "RoFormer" (rotation); Ainslie et al. 2023, "GQA" (shared key and value heads).
public final class ReferenceMixtral {
    private final ReferenceWeights weights;
    private final TinyConfig config;

    /// A model with these weights, which stay the caller's and are only read.
    public ReferenceMixtral(ReferenceWeights weights) {
        this.weights = weights;
        this.config = weights.config();
    }

    /// Runs the tokens from position 0 on and returns all that was computed on the way.
    public ReferenceTrace forward(int[] ids) {
        double[][] embedding = new double[ids.length][];
        for (int t = 0; t < ids.length; t++) {
            int from = ids[t] * config.hiddenSize();
            embedding[t] = Arrays.copyOfRange(weights.embedding(), from, from + config.hiddenSize());
        }
        double[][] x = embedding;
        List<ReferenceTrace.Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < config.numLayers(); layer++) {
            ReferenceTrace.Attention attention = attention(layer, x);
            ReferenceTrace.FeedForward feedForward = feedForward(layer, attention.residual());
            layers.add(new ReferenceTrace.Layer(attention, feedForward));
            x = feedForward.residual();
        }
        double[][] finalNorm = rmsNorm(x, weights.outputNorm());
        return new ReferenceTrace(ids, embedding, layers, finalNorm, matmul(weights.output(), finalNorm));
    }

    /// The first half of a block.
    ///
    /// @param x the residual stream at positions 0, 1, …
    public ReferenceTrace.Attention attention(int layer, double[][] x) {
        ReferenceWeights.Layer w = weights.layers().get(layer);
        double[][] norm = rmsNorm(x, w.attentionNorm());
        double[][] queries = rotate(matmul(w.wq(), norm));
        double[][] keys = rotate(matmul(w.wk(), norm));
        double[][] values = matmul(w.wv(), norm);
        double[][] heads = attend(queries, keys, values);
        double[][] output = matmul(w.wo(), heads);
        return new ReferenceTrace.Attention(norm, queries, keys, values, heads, output, add(x, output));
    }

    /// The second half of a block: router and experts, or the one feed-forward of a dense model.
    ///
    /// @param x the residual stream after attention
    public ReferenceTrace.FeedForward feedForward(int layer, double[][] x) {
        ReferenceWeights.Layer w = weights.layers().get(layer);
        double[][] norm = rmsNorm(x, w.feedForwardNorm());
        double[][] routerLogits = matmul(w.router(), norm);
        int[][] experts = new int[x.length][];
        double[][] shares = new double[x.length][];
        double[][] output = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] logits = routerLogits[t];
            experts[t] = config.isMixture() ? largest(logits, config.numExpertsPerToken()) : new int[0];
            shares[t] = softmax(
                    Arrays.stream(experts[t]).mapToDouble(e -> logits[e]).toArray());
            output[t] = config.isMixture()
                    ? mixture(w.experts(), experts[t], shares[t], norm[t])
                    : expert(w.experts().getFirst(), norm[t]);
        }
        return new ReferenceTrace.FeedForward(norm, routerLogits, experts, shares, output, add(x, output));
    }

    /// The head: logits of rows of the residual stream.
    public double[][] logits(double[][] x) {
        return matmul(weights.output(), rmsNorm(x, weights.outputNorm()));
    }

    private double[] mixture(List<ReferenceWeights.Expert> experts, int[] chosen, double[] shares, double[] x) {
        double[] sum = new double[config.hiddenSize()];
        for (int k = 0; k < chosen.length; k++) {
            addScaled(sum, shares[k], expert(experts.get(chosen[k]), x));
        }
        return sum;
    }

    /// `down · (silu(gate · x) * (up · x))`.
    private static double[] expert(ReferenceWeights.Expert w, double[] x) {
        double[] gate = matvec(w.gate(), x);
        double[] up = matvec(w.up(), x);
        double[] inner = new double[gate.length];
        for (int i = 0; i < inner.length; i++) {
            inner[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
        }
        return matvec(w.down(), inner);
    }

    /// Turns the neighbours `(2 i, 2 i + 1)` of each head by `position * theta^(-2 i / headDim)`.
    private double[][] rotate(double[][] x) {
        double[][] y = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            y[t] = new double[x[t].length];
            for (int c = 0; c < x[t].length; c += 2) {
                double angle = t * Math.pow(config.ropeTheta(), -(double) (c % config.headDim()) / config.headDim());
                y[t][c] = x[t][c] * Math.cos(angle) - x[t][c + 1] * Math.sin(angle);
                y[t][c + 1] = x[t][c] * Math.sin(angle) + x[t][c + 1] * Math.cos(angle);
            }
        }
        return y;
    }

    /// Causal attention; `numHeads / numKvHeads` neighbouring query heads share a key and value head.
    private double[][] attend(double[][] queries, double[][] keys, double[][] values) {
        int dim = config.headDim();
        double[][] out = new double[queries.length][config.queryWidth()];
        for (int t = 0; t < queries.length; t++) {
            for (int head = 0; head < config.numHeads(); head++) {
                int q = head * dim;
                int kv = head / (config.numHeads() / config.numKvHeads()) * dim;
                double[] scores = new double[t + 1];
                for (int s = 0; s <= t; s++) {
                    for (int c = 0; c < dim; c++) {
                        scores[s] += queries[t][q + c] * keys[s][kv + c];
                    }
                    scores[s] /= Math.sqrt(dim);
                }
                double[] shares = softmax(scores);
                for (int s = 0; s <= t; s++) {
                    for (int c = 0; c < dim; c++) {
                        out[t][q + c] += shares[s] * values[s][kv + c];
                    }
                }
            }
        }
        return out;
    }

    private double[][] rmsNorm(double[][] x, double[] weight) {
        double[][] y = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double squares = 0;
            for (double v : x[t]) {
                squares += v * v;
            }
            double scale = 1 / Math.sqrt(squares / x[t].length + config.rmsNormEps());
            y[t] = new double[x[t].length];
            for (int c = 0; c < y[t].length; c++) {
                y[t][c] = x[t][c] * scale * weight[c];
            }
        }
        return y;
    }

    /// Indices of the `k` largest by falling value; of equal ones the lower index comes first.
    private static int[] largest(double[] values, int k) {
        int[] best = new int[k];
        boolean[] taken = new boolean[values.length];
        for (int i = 0; i < k; i++) {
            int top = -1;
            for (int e = 0; e < values.length; e++) {
                if (!taken[e] && (top < 0 || values[e] > values[top])) {
                    top = e;
                }
            }
            taken[top] = true;
            best[i] = top;
        }
        return best;
    }

    static double[] softmax(double[] x) {
        double max = Arrays.stream(x).max().orElse(0);
        double[] y = Arrays.stream(x).map(v -> Math.exp(v - max)).toArray();
        double sum = Arrays.stream(y).sum();
        return Arrays.stream(y).map(v -> v / sum).toArray();
    }

    private static double[][] matmul(double[] w, double[][] x) {
        return Arrays.stream(x).map(row -> matvec(w, row)).toArray(double[][]::new);
    }

    private static double[] matvec(double[] w, double[] x) {
        double[] y = new double[w.length / x.length];
        for (int r = 0; r < y.length; r++) {
            double sum = 0;
            for (int c = 0; c < x.length; c++) {
                sum += w[r * x.length + c] * x[c];
            }
            y[r] = sum;
        }
        return y;
    }

    private static double[][] add(double[][] a, double[][] b) {
        double[][] sum = new double[a.length][];
        for (int t = 0; t < a.length; t++) {
            sum[t] = a[t].clone();
            addScaled(sum[t], 1, b[t]);
        }
        return sum;
    }

    private static void addScaled(double[] sum, double factor, double[] x) {
        for (int c = 0; c < sum.length; c++) {
            sum[c] += factor * x[c];
        }
    }
}
