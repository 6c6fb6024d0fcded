package io.github.mixtral4j.train.op;

import static io.github.mixtral4j.train.Gradients.check;
import static io.github.mixtral4j.train.Gradients.dot;
import static io.github.mixtral4j.train.Gradients.gaussian;
import static io.github.mixtral4j.train.Gradients.tensor;
import static io.github.mixtral4j.train.Gradients.times;
import static io.github.mixtral4j.train.Gradients.values;
import static io.github.mixtral4j.train.Gradients.zeros;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The backward pass of every operation against finite differences of its formula in double precision.
final class OpGradientsTest {
    private static final Kernels KERNELS = Kernels.create(KernelKind.SCALAR, 2);

    private final Random random = new Random(11);

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    @Test
    void embedding() {
        int[] ids = {3, 0, 3, 1};
        Rows table = gaussian(5, 18, random);
        Rows dTable = zeros(5, 18);
        Rows out = zeros(4, 18);
        Rows dOut = gaussian(4, 18, random);
        Embedding embedding = new Embedding(KERNELS, tensor(table), Optional.of(dTable));

        embedding.forward(ids, out);
        embedding.backward(ids, dOut);

        assertThat(out.get(2, 17)).isEqualTo(table.get(3, 17));
        check("table", table, dTable, w -> {
            double[] y = new double[4 * 18];
            Arrays.setAll(y, i -> w[ids[i / 18] * 18 + i % 18]);
            return dot(y, dOut);
        });
    }

    @Test
    void rmsNorm() {
        Rows x = gaussian(3, 7, random);
        Rows weight = gaussian(1, 7, random);
        Rows dx = zeros(3, 7);
        Rows dWeight = zeros(1, 7);
        Rows dy = gaussian(3, 7, random);

        new RmsNorm(KERNELS, weight, dWeight, 1e-2f).backward(x, dy, dx);

        check("x", x, dx, v -> dot(normed(v, values(weight)), dy));
        check("weight", weight, dWeight, w -> dot(normed(values(x), w), dy));
    }

    private static double[] normed(double[] x, double[] weight) {
        int cols = weight.length;
        double[] y = new double[x.length];
        for (int row = 0; row < x.length / cols; row++) {
            double squares = 0;
            for (int i = 0; i < cols; i++) {
                squares += x[row * cols + i] * x[row * cols + i];
            }
            for (int i = 0; i < cols; i++) {
                y[row * cols + i] = x[row * cols + i] / Math.sqrt(squares / cols + 1e-2f) * weight[i];
            }
        }
        return y;
    }

    @ParameterizedTest
    @EnumSource
    void rope(RopeLayout layout) {
        MixtralConfig config = new MixtralConfig(8, 8, 1, 2, 1, 6, 9, 2, 1, 99, 1e-5f, 50f, layout);
        int[] positions = {0, 1, 30};
        Rows x = gaussian(3, 12, random);
        Rows dx = gaussian(3, 12, random);
        Rows dy = zeros(3, 12);
        dy.data().copyFrom(dx.data());

        new Rope(KERNELS, config).backward(dx, positions);

        check("x", x, dx, v -> {
            double[] y = new double[v.length];
            for (int row = 0; row < 3; row++) {
                for (int pair = 0; pair < 6; pair++) {
                    int head = row * 12 + pair / 3 * 6;
                    int i = pair % 3;
                    int a = head + (layout == RopeLayout.INTERLEAVED ? 2 * i : i);
                    int b = head + (layout == RopeLayout.INTERLEAVED ? 2 * i + 1 : i + 3);
                    double angle = positions[row] * Math.pow(50, -2.0 * i / 6);
                    y[a] = v[a] * Math.cos(angle) - v[b] * Math.sin(angle);
                    y[b] = v[a] * Math.sin(angle) + v[b] * Math.cos(angle);
                }
            }
            return dot(y, dy);
        });
    }

    /// 4 query heads on 2 key heads of 6, samples of 4, 1 and 2 rows.
    @Test
    void attention() {
        int[] bounds = {0, 4, 5, 7};
        Rows q = gaussian(7, 24, random);
        Rows k = gaussian(7, 12, random);
        Rows v = gaussian(7, 12, random);
        Rows out = zeros(7, 24);
        Rows logSums = zeros(7, 4);
        Rows dOut = gaussian(7, 24, random);
        Rows dq = zeros(7, 24);
        Rows dk = zeros(7, 12);
        Rows dv = zeros(7, 12);
        Attention attention = new Attention(KERNELS, 6);

        attention.forward(q, k, v, bounds, out, logSums);
        attention.backward(q, k, v, bounds, out, logSums, dOut, dq, dk, dv);

        check("q", q, dq, x -> dot(attended(x, values(k), values(v), bounds), dOut));
        check("k", k, dk, x -> dot(attended(values(q), x, values(v), bounds), dOut));
        check("v", v, dv, x -> dot(attended(values(q), values(k), x, bounds), dOut));
    }

    private static double[] attended(double[] q, double[] k, double[] v, int[] bounds) {
        double[] out = new double[q.length];
        for (int sample = 0; sample + 1 < bounds.length; sample++) {
            for (int row = bounds[sample]; row < bounds[sample + 1]; row++) {
                for (int head = 0; head < 4; head++) {
                    double total = 0;
                    double[] sum = new double[6];
                    for (int t = bounds[sample]; t <= row; t++) {
                        double score = 0;
                        for (int i = 0; i < 6; i++) {
                            score += q[row * 24 + head * 6 + i] * k[t * 12 + head / 2 * 6 + i];
                        }
                        double p = Math.exp(score / Math.sqrt(6));
                        total += p;
                        for (int i = 0; i < 6; i++) {
                            sum[i] += p * v[t * 12 + head / 2 * 6 + i];
                        }
                    }
                    for (int i = 0; i < 6; i++) {
                        out[row * 24 + head * 6 + i] = sum[i] / total;
                    }
                }
            }
        }
        return out;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void router(int perToken) {
        Rows logits = gaussian(5, 4, random);
        Rows dLogits = gaussian(5, 4, random);
        Router router = new Router(5, 4, perToken);
        router.forward(logits);
        float[] dWeights = new float[5 * perToken];
        for (int i = 0; i < dWeights.length; i++) {
            dWeights[i] = (float) random.nextGaussian();
        }

        router.backward(KERNELS, dWeights, dLogits);

        assertThat(router.slotCount()).isEqualTo(5 * perToken);
        check("logits", logits, dLogits, l -> {
            double sum = 0;
            for (int slot = 0; slot < router.slotCount(); slot++) {
                sum += dWeights[slot] * weight(l, router, slot, perToken);
            }
            return sum;
        });
    }

    /// Softmax over the row's chosen experts, at the expert of a slot.
    private static double weight(double[] logits, Router router, int slot, int perToken) {
        int row = router.rowOfSlot()[slot];
        double total = 0;
        for (int k = 0; k < perToken; k++) {
            total += Math.exp(logits[row * 4 + expertOf(router, router.slotsOfRow()[row * perToken + k])]);
        }
        return Math.exp(logits[row * 4 + expertOf(router, slot)]) / total;
    }

    private static int expertOf(Router router, int slot) {
        int expert = 0;
        while (slot >= router.start(expert) + router.count(expert)) {
            expert++;
        }
        return expert;
    }

    /// 4 experts of width 5 on rows of width 3.
    @Test
    void experts() {
        Rows logits = gaussian(6, 4, random);
        Router router = new Router(6, 4, 2);
        router.forward(logits);
        Rows x = gaussian(6, 3, random);
        List<Rows> weights = new ArrayList<>();
        List<Rows> gradients = new ArrayList<>();
        List<Experts.Expert> list = new ArrayList<>();
        for (int e = 0; e < 4; e++) {
            List<Projection> matrices = new ArrayList<>();
            for (int m = 0; m < 3; m++) {
                Rows w = gaussian(m == 2 ? 3 : 5, m == 2 ? 5 : 3, random);
                Rows dw = zeros(w.count(), w.cols());
                weights.add(w);
                gradients.add(dw);
                matrices.add(Projection.trained(KERNELS, tensor(w), dw, DType.F32));
            }
            list.add(new Experts.Expert(matrices.get(0), matrices.get(1), matrices.get(2)));
        }
        Experts experts = new Experts(KERNELS, list, 12, new Buffers(Arena.ofAuto(), 12));
        Rows gate = zeros(12, 5);
        Rows up = zeros(12, 5);
        Rows out = zeros(6, 3);
        Rows dOut = gaussian(6, 3, random);
        Rows dx = zeros(6, 3);

        experts.forward(x, router, gate, up, out);
        float[] dWeights = experts.backward(x, router, gate, up, dOut, dx);

        Rows slotWeights = zeros(1, 12);
        Rows dSlotWeights = zeros(1, 12);
        for (int i = 0; i < 12; i++) {
            slotWeights.set(0, i, router.weightOfSlot()[i]);
            dSlotWeights.set(0, i, dWeights[i]);
        }
        List<double[]> w = weights.stream().map(r -> values(r)).toList();
        check("x", x, dx, v -> dot(mixed(v, w, values(slotWeights), router), dOut));
        check("weights of slots", slotWeights, dSlotWeights, v -> dot(mixed(values(x), w, v, router), dOut));
        for (int m = 0; m < weights.size(); m++) {
            int index = m;
            check("matrix " + m, weights.get(m), gradients.get(m), v -> {
                List<double[]> changed = new ArrayList<>(w);
                changed.set(index, v);
                return dot(mixed(values(x), changed, values(slotWeights), router), dOut);
            });
        }
    }

    private static double[] mixed(double[] x, List<double[]> w, double[] slotWeights, Router router) {
        double[] out = new double[x.length];
        for (int slot = 0; slot < slotWeights.length; slot++) {
            int row = router.rowOfSlot()[slot];
            int e = expertOf(router, slot);
            double[] in = Arrays.copyOfRange(x, row * 3, row * 3 + 3);
            double[] gate = times(w.get(3 * e), in, 3);
            double[] up = times(w.get(3 * e + 1), in, 3);
            double[] hidden = new double[5];
            Arrays.setAll(hidden, i -> gate[i] / (1 + Math.exp(-gate[i])) * up[i]);
            double[] y = times(w.get(3 * e + 2), hidden, 5);
            for (int i = 0; i < 3; i++) {
                out[row * 3 + i] += slotWeights[slot] * y[i];
            }
        }
        return out;
    }

    @Test
    void projection() {
        Rows w = gaussian(4, 6, random);
        Rows dw = zeros(4, 6);
        Rows x = gaussian(3, 6, random);
        Rows dx = zeros(3, 6);
        Rows dy = gaussian(3, 4, random);

        Projection.trained(KERNELS, tensor(w), dw, DType.F32).backward(dy, x, dx);

        check("x", x, dx, v -> dot(times(values(w), v, 6), dy));
        check("w", w, dw, v -> dot(times(v, values(x), 6), dy));
    }

    @Test
    void lowRankUpdateOfFrozenMatrix() {
        Rows w = gaussian(4, 6, random);
        Rows a = gaussian(2, 6, random);
        Rows b = gaussian(4, 2, random);
        Rows da = zeros(2, 6);
        Rows db = zeros(4, 2);
        Rows x = gaussian(3, 6, random);
        Rows dx = zeros(3, 6);
        Rows y = zeros(3, 4);
        Rows dy = gaussian(3, 4, random);
        Dropout none = new Dropout(KERNELS, new Dropout.Mode(), 0, 1);
        LowRankUpdate update = new LowRankUpdate(KERNELS, a, da, b, db, 0.75f, none, new Buffers(Arena.ofAuto(), 3));
        Projection projection = Projection.frozen(KERNELS, tensor(w), Optional.of(update));

        projection.forward(x, y);
        projection.backward(dy, x, dx);

        double[] expected = updated(values(w), values(a), values(b), values(x));
        assertThat(values(y)).containsExactly(expected, within(1e-5));
        check("x", x, dx, v -> dot(updated(values(w), values(a), values(b), v), dy));
        check("A", a, da, v -> dot(updated(values(w), v, values(b), values(x)), dy));
        check("B", b, db, v -> dot(updated(values(w), values(a), v, values(x)), dy));
    }

    private static double[] updated(double[] w, double[] a, double[] b, double[] x) {
        double[] y = times(w, x, 6);
        double[] change = times(b, times(a, x, 6), 2);
        Arrays.setAll(y, i -> y[i] + 0.75 * change[i]);
        return y;
    }

    /// Dropout is linear once its mask is known: the backward pass has to drop the same elements as the forward pass,
    /// and the mask of one place must not be that of another.
    @Test
    void dropoutDropsTheSameElementsOfTheGradient() {
        Dropout.Mode mode = new Dropout.Mode();
        mode.train(5);
        Buffers buffers = new Buffers(Arena.ofAuto(), 40);
        Rows ones = zeros(40, 50);
        for (int i = 0; i < 2000; i++) {
            ones.set(i / 50, i % 50, 1);
        }
        double[] forward = values(new Dropout(KERNELS, mode, 0.25f, 1).forward(ones, buffers));
        double[] elsewhere = values(new Dropout(KERNELS, mode, 0.25f, 2).forward(ones, buffers));
        new Dropout(KERNELS, mode, 0.25f, 1).backward(ones);

        assertThat(values(ones)).isEqualTo(forward).isNotEqualTo(elsewhere);
        assertThat(forward).containsOnly(0, 4f / 3);
        long dropped = Arrays.stream(forward).filter(v -> v == 0).count();
        assertThat(dropped).isBetween(430L, 570L);
        mode.evaluate();
        assertThat(new Dropout(KERNELS, mode, 0.25f, 1).forward(ones, buffers)).isSameAs(ones);
    }
}
