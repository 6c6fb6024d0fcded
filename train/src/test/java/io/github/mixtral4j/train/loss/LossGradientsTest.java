package io.github.mixtral4j.train.loss;

import static io.github.mixtral4j.train.Gradients.check;
import static io.github.mixtral4j.train.Gradients.gaussian;
import static io.github.mixtral4j.train.Gradients.values;
import static io.github.mixtral4j.train.Gradients.zeros;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.Gradients;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The gradient of every loss against finite differences of its formula in double precision.
final class LossGradientsTest {
    private static final Kernels KERNELS = Kernels.create(KernelKind.SCALAR, 2);

    private final Random random = new Random(12);

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    @Test
    void crossEntropy() {
        Rows logits = gaussian(3, 5, random);
        Rows gradient = zeros(3, 5);
        gradient.data().copyFrom(logits.data());
        int[] targets = {4, 0, 2};
        float[] weights = {1, -0.5f, 2};
        float[] logProbs = new float[3];
        CrossEntropy loss = new CrossEntropy(KERNELS, 4);

        loss.add(gradient, targets, weights, 0.7f, logProbs);

        double[] values = values(logits);
        assertThat(loss.lossSum()).isCloseTo(crossEntropy(values, targets, weights), within(1e-6));
        assertThat(loss.weightSum()).isEqualTo(2.5);
        assertThat((double) logProbs[1]).isCloseTo(values[5] - logSum(values, 5, 5), within(1e-6));
        check("logits", logits, gradient, l -> 0.7f * crossEntropy(l, targets, weights));
        loss.reset();
        assertThat(loss.lossSum() + loss.weightSum()).isZero();
    }

    private static double crossEntropy(double[] logits, int[] targets, float[] weights) {
        double sum = 0;
        for (int row = 0; row < targets.length; row++) {
            sum += weights[row] * (logSum(logits, row * 5, 5) - logits[row * 5 + targets[row]]);
        }
        return sum;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void loadBalancing(boolean perLayer) {
        List<Rows> logits = List.of(gaussian(6, 4, random), gaussian(6, 4, random));
        int[][] counts = {{5, 4, 3, 0}, {1, 1, 4, 6}};
        LoadBalancing loss = new LoadBalancing(KERNELS, 2, 4, perLayer);
        for (int layer = 0; layer < 2; layer++) {
            loss.set(layer, logits.get(layer), counts[layer]);
        }

        double[][] values = logits.stream().map(Gradients::values).toArray(double[][]::new);
        assertThat(loss.loss()).isCloseTo(loadBalancing(values, counts, perLayer), within(1e-9));
        for (int layer = 0; layer < 2; layer++) {
            int changed = layer;
            Rows gradient = zeros(6, 4);
            loss.addGradient(layer, logits.get(layer), 0.3, gradient);
            check("logits of layer " + layer, logits.get(layer), gradient, l -> {
                double[][] all = values.clone();
                all[changed] = l;
                return 0.3 * loadBalancing(all, counts, perLayer);
            });
        }
    }

    private static double loadBalancing(double[][] logits, int[][] counts, boolean perLayer) {
        double[][] p = new double[2][4];
        for (int layer = 0; layer < 2; layer++) {
            for (int i = 0; i < 24; i++) {
                p[layer][i % 4] += Math.exp(logits[layer][i] - logSum(logits[layer], i / 4 * 4, 4)) / 6;
            }
        }
        double loss = 0;
        for (int e = 0; e < 4; e++) {
            double f0 = counts[0][e] / 6.0;
            double f1 = counts[1][e] / 6.0;
            loss += perLayer ? 4 * (f0 * p[0][e] + f1 * p[1][e]) / 2 : 4 * ((f0 + f1) / 2) * ((p[0][e] + p[1][e]) / 2);
        }
        return loss;
    }

    @Test
    void balancedExpertsLoseTheNumberOfChoices() {
        LoadBalancing loss = new LoadBalancing(KERNELS, 1, 4, false);
        loss.set(0, zeros(6, 4), new int[] {3, 3, 3, 3});
        assertThat(loss.loss()).isCloseTo(2, within(1e-12));
    }

    /// transformers#31464: what one layer does too often and the other too rarely is no imbalance when pooled.
    @Test
    void oppositeImbalancesCancelOnlyWhenPooled() {
        Rows left = zeros(4, 2);
        Rows right = zeros(4, 2);
        for (int row = 0; row < 4; row++) {
            left.set(row, 0, 3);
            right.set(row, 1, 3);
        }
        double[] losses = new double[2];
        for (boolean perLayer : new boolean[] {false, true}) {
            LoadBalancing loss = new LoadBalancing(KERNELS, 2, 2, perLayer);
            loss.set(0, left, new int[] {4, 0});
            loss.set(1, right, new int[] {0, 4});
            losses[perLayer ? 1 : 0] = loss.loss();
        }
        assertThat(losses[0]).isCloseTo(1, within(1e-9));
        assertThat(losses[1]).isCloseTo(2 / (1 + Math.exp(-3)), within(1e-9));
    }

    @Test
    void routerZ() {
        Rows logits = gaussian(3, 4, random);
        RouterZ loss = new RouterZ(KERNELS, 2);
        loss.set(0, logits);
        loss.set(1, zeros(3, 4));
        Rows gradient = zeros(3, 4);
        loss.addGradient(logits, 0.6, gradient);
        double zeros = 3 * Math.log(4) * Math.log(4);
        assertThat(loss.loss()).isCloseTo((squares(values(logits)) + zeros) / 6, within(1e-9));
        check("logits", logits, gradient, l -> 0.6 * (squares(l) + zeros) / 6);
    }

    private static double squares(double[] logits) {
        double sum = 0;
        for (int row = 0; row < logits.length / 4; row++) {
            sum += logSum(logits, row * 4, 4) * logSum(logits, row * 4, 4);
        }
        return sum;
    }

    private static double logSum(double[] logits, int from, int count) {
        double sum = 0;
        for (int i = from; i < from + count; i++) {
            sum += Math.exp(logits[i]);
        }
        return Math.log(sum);
    }
}
