package io.github.mixtral4j.train.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.model.Workspace;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What must hold whatever the numbers are.
final class TrainingLawsTest {
    private static final Kernels KERNELS = Kernels.create(KernelKind.AUTO, 2);
    private static final MixtralConfig CONFIG = Models.config();
    private static final TrainingOptions OPTIONS = TrainingOptions.exact(16).withRouterLosses(0.1, false, 0.01);

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    @Test
    void itsLogProbabilitiesAreThoseOfTheEngine() {
        try (TrainableMixtral model = TrainableMixtral.random(KERNELS, CONFIG, OPTIONS, 1)) {
            Models.scatter(model, 5);
            PackedBatch batch = Models.batch();
            Mixtral engine = new Mixtral(CONFIG, model.weights(), KERNELS);

            float[] logProbs = model.logProbs(batch);

            for (int sample = 0; sample < batch.samples(); sample++) {
                int from = batch.starts()[sample];
                int[] ids = Arrays.copyOfRange(batch.tokens(), from, batch.end(sample));
                assertThat(logProbs[from]).isZero();
                for (int i = 1; i < ids.length; i++) {
                    assertThat((double) logProbs[from + i])
                            .as("sample %d, token %d", sample, i)
                            .isCloseTo(logProb(engine, Arrays.copyOf(ids, i), ids[i]), within(2e-5));
                }
            }
        }
    }

    private static double logProb(Mixtral engine, int[] ids, int next) {
        try (KvCache cache = KvCache.allocate(CONFIG, ids.length, DType.F32);
                Workspace work = Workspace.allocate(CONFIG, ids.length, 1)) {
            int sequence = cache.openSequence();
            engine.forward(Batch.ofSequence(sequence, 0, ids, 0, ids.length, new int[] {ids.length - 1}), cache, work);
            double total = 0;
            for (int i = 0; i < CONFIG.vocabSize(); i++) {
                total += Math.exp(work.logits().get(0, i));
            }
            return work.logits().get(0, next) - Math.log(total);
        }
    }

    /// Packed or not, and wherever it stands in the pack.
    @Test
    void lossesOfPackedSamplesAreTheirSum() {
        try (TrainableMixtral model = TrainableMixtral.random(KERNELS, CONFIG, OPTIONS, 1)) {
            Models.scatter(model, 5);
            PackedBatch batch = Models.batch();
            double sum = 0;
            for (int s = 0; s < batch.samples(); s++) {
                int from = batch.starts()[s];
                int to = batch.end(s);
                sum += model.evaluate(new PackedBatch(
                                Arrays.copyOfRange(batch.tokens(), from, to),
                                Arrays.copyOfRange(batch.positions(), from, to),
                                new int[1],
                                Arrays.copyOfRange(batch.weights(), from, to)))
                        .lossSum();
            }
            assertThat(model.evaluate(batch).lossSum()).isCloseTo(sum, within(1e-4));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"VECTOR", "AUTO"})
    void oneThreadIsManyBitwise(KernelKind kind) {
        long[] sums = new long[2];
        for (int i = 0; i < 2; i++) {
            try (Kernels kernels = Kernels.create(kind, i == 0 ? 1 : 3)) {
                sums[i] = threeSteps(kernels, OPTIONS.withCompute(DType.BF16));
            }
        }
        assertThat(sums[0]).isEqualTo(sums[1]);
    }

    @Test
    void activationsComputedAnewChangeNothing() {
        assertThat(threeSteps(KERNELS, OPTIONS.withRecompute(true))).isEqualTo(threeSteps(KERNELS, OPTIONS));
    }

    /// Trains and returns a hash of all bits.
    private static long threeSteps(Kernels kernels, TrainingOptions options) {
        try (TrainableMixtral model = TrainableMixtral.random(kernels, CONFIG, options, 3)) {
            long hash = 0;
            for (int step = 0; step < 3; step++) {
                hash = 31 * hash + train(kernels, model, 1e-2f).hashCode();
            }
            for (Parameter parameter : model.parameters()) {
                for (float value : floats(parameter.value())) {
                    hash = 31 * hash + Float.floatToRawIntBits(value);
                }
            }
            return hash;
        }
    }

    /// A step of plain gradient descent.
    private static StepLosses train(Kernels kernels, TrainableMixtral model, float rate) {
        model.parameters().forEach(p -> p.gradient().data().fill((byte) 0));
        StepLosses losses = model.forwardBackward(Models.batch(), 0.1f, 1);
        for (Parameter p : model.parameters()) {
            for (int row = 0; row < p.rows(); row++) {
                for (int i = 0; i < p.cols(); i++) {
                    p.value()
                            .set(
                                    row,
                                    i,
                                    p.value().get(row, i) - rate * p.gradient().get(row, i));
                }
            }
        }
        model.parametersChanged();
        return losses;
    }

    private static float[] floats(Rows rows) {
        return rows.data().toArray(Rows.FLOAT);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void trainingMakesTheLossSmaller(DType compute) {
        try (TrainableMixtral model = TrainableMixtral.random(KERNELS, CONFIG, OPTIONS.withCompute(compute), 3)) {
            // With three times the rate a step leads too far now and then, and the loss jumps.
            double first = train(KERNELS, model, 0.1f).lossSum();
            for (int step = 0; step < 40; step++) {
                train(KERNELS, model, 0.1f);
            }
            assertThat(model.evaluate(Models.batch()).lossSum()).isLessThan(first / 2);
        }
    }

    /// Gradients of a low-rank update follow from those of the whole matrix: `dB = scale · dW · Aᵀ`.
    @Test
    void gradientOfAnUpdateIsThatOfItsMatrix() {
        LoraOptions lora = new LoraOptions(3, 6, 0, EnumSet.allOf(AdapterTarget.Kind.class), Set.of(), 4);
        try (TrainableMixtral whole = TrainableMixtral.random(KERNELS, CONFIG, OPTIONS, 1)) {
            Models.scatter(whole, 5);
            try (TrainableMixtral adapted = TrainableMixtral.adapted(KERNELS, CONFIG, OPTIONS, whole.weights(), lora)) {
                StepLosses losses = whole.forwardBackward(Models.batch(), 1, 1);
                assertThat(adapted.forwardBackward(Models.batch(), 1, 1)).isEqualTo(losses);
                assertThat(adapted.parameters())
                        .hasSize(2 * AdapterTarget.all(CONFIG).size());
                for (int i = 0; i < adapted.parameters().size(); i += 2) {
                    Parameter a = adapted.parameters().get(i);
                    Parameter b = adapted.parameters().get(i + 1);
                    String name = a.name().replace(".lora_A.weight", ".weight");
                    Rows dw = whole.parameters().stream()
                            .filter(p -> p.name().equals(name))
                            .findFirst()
                            .orElseThrow()
                            .gradient();
                    for (int row = 0; row < b.rows(); row++) {
                        for (int r = 0; r < 3; r++) {
                            double expected = 0;
                            for (int c = 0; c < a.cols(); c++) {
                                expected += 2 * dw.get(row, c) * a.value().get(r, c);
                            }
                            assertThat((double) b.gradient().get(row, r))
                                    .as("%s[%d, %d]", b.name(), row, r)
                                    .isCloseTo(expected, within(2e-4 * Math.max(1, Math.abs(expected))));
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "Q8_0"})
    void updatesOfAFrozenBaseLearnAndTheBaseStays(DType type) {
        MixtralConfig wide = Models.wide();
        try (TrainableMixtral start = TrainableMixtral.random(KERNELS, wide, OPTIONS, 1)) {
            Models.scatter(start, 5);
            LoraOptions lora = new LoraOptions(
                    4,
                    8,
                    0.1f,
                    Set.of(AdapterTarget.Kind.WQ, AdapterTarget.Kind.DOWN_PROJ, AdapterTarget.Kind.ROUTER),
                    Set.of(0, 2),
                    4);
            try (TrainableMixtral model =
                    TrainableMixtral.adapted(KERNELS, wide, OPTIONS, Models.quantized(start.weights(), type), lora)) {
                assertThat(model.parameters()).hasSize(2 * 2 * (1 + 2 + 1));
                float[] before = model.logProbs(Models.batch());
                double first = model.evaluate(Models.batch()).lossSum();
                for (int step = 0; step < 30; step++) {
                    train(KERNELS, model, 0.1f);
                }
                assertThat(model.evaluate(Models.batch()).lossSum()).isLessThan(0.8 * first);
                assertThat(model.baseLogProbs(Models.batch())).isEqualTo(before);
                assertThat(model.logProbs(Models.batch())).isNotEqualTo(before);
                assertThat(model.adapter("tuned").changes()).hasSize(2 * (1 + 2 + 1));
                model.adapter("tuned").requireFits(wide);
            }
        }
    }

    @Test
    void whatCannotBeTrainedIsRefused() {
        MixtralConfig dense = new MixtralConfig(8, 8, 1, 2, 1, 4, 9, 1, 1, 16, 1e-5f, 1e4f, RopeLayout.HALF_SPLIT);
        assertThatThrownBy(() -> TrainableMixtral.random(KERNELS, dense, OPTIONS, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("training needs a mixture of experts, got a model with one expert per layer");
        try (TrainableMixtral whole = TrainableMixtral.random(KERNELS, CONFIG, OPTIONS, 1)) {
            assertThatThrownBy(() -> whole.baseLogProbs(Models.batch()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("a model that is trained whole has no frozen base to compare with");
            LoraOptions none = new LoraOptions(3, 6, 0, Set.of(AdapterTarget.Kind.UP_PROJ), Set.of(7), 4);
            assertThatThrownBy(() -> TrainableMixtral.adapted(KERNELS, CONFIG, OPTIONS, whole.weights(), none))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("none of the experts [7] is one of the model's 5, so that the adapter would change"
                            + " nothing");
        }
    }
}
