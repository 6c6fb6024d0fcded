package io.github.mixtral4j.train.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.Rows;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The whole model against double precision: losses, and gradients by finite differences.
final class TrainableMixtralTest {
    private static final TrainingOptions OPTIONS = TrainingOptions.exact(16);
    private static final double BALANCE = 0.3;
    private static final double Z = 0.05;
    private static final float SCALE = 0.4f;
    private static final float AUXILIARY = 0.5f;

    @ParameterizedTest
    @CsvSource({"SCALAR, false, false", "VECTOR, true, false", "AUTO, false, true"})
    void gradientsOfAllParametersAreThoseOfFiniteDifferences(KernelKind kind, boolean perLayer, boolean recompute) {
        TrainingOptions options = OPTIONS.withRouterLosses(BALANCE, perLayer, Z).withRecompute(recompute);
        try (Kernels kernels = Kernels.create(kind, 2);
                TrainableMixtral model = TrainableMixtral.random(kernels, Models.config(), options, 1)) {
            Models.scatter(model, 5);
            PackedBatch batch = Models.batch();
            DoubleModel reference = new DoubleModel(model.config(), model.weights());
            StepLosses expected = reference.losses(batch, perLayer);

            StepLosses losses = model.forwardBackward(batch, SCALE, AUXILIARY);

            assertThat(losses.lossSum()).isCloseTo(expected.lossSum(), within(1e-4));
            assertThat(losses.weightSum()).isCloseTo(expected.weightSum(), within(1e-6));
            assertThat(losses.loadBalancing()).isCloseTo(expected.loadBalancing(), within(1e-5));
            assertThat(losses.routerZ()).isCloseTo(expected.routerZ(), within(1e-5));
            assertThat(model.expertLoad()).isDeepEqualTo(reference.load(batch));
            assertThat(model.evaluate(batch)).isEqualTo(losses);
            Random random = new Random(9);
            for (Parameter parameter : model.parameters()) {
                double[] values = reference.values(parameter.name());
                double size = norm(parameter.gradient());
                for (int sample = 0; sample < 8; sample++) {
                    int i = sample == 0 ? largest(parameter.gradient()) : random.nextInt(values.length);
                    double difference = difference(reference, batch, perLayer, values, i);
                    double gradient = parameter.gradient().get(i / parameter.cols(), i % parameter.cols());
                    assertThat(gradient)
                            .as("%s[%d], gradients of size %s", parameter.name(), i, size)
                            .isCloseTo(difference, within(2e-4 * size + 1e-7));
                }
            }
        }
    }

    private static double difference(
            DoubleModel reference, PackedBatch batch, boolean perLayer, double[] values, int i) {
        double step = 1e-5;
        double value = values[i];
        values[i] = value + step;
        double above = total(reference.losses(batch, perLayer));
        values[i] = value - step;
        double below = total(reference.losses(batch, perLayer));
        values[i] = value;
        return (above - below) / (2 * step);
    }

    private static double total(StepLosses losses) {
        return SCALE * losses.lossSum() + AUXILIARY * (BALANCE * losses.loadBalancing() + Z * losses.routerZ());
    }

    private static double norm(Rows rows) {
        double largest = 0;
        for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < rows.cols(); i++) {
                largest = Math.max(largest, Math.abs(rows.get(row, i)));
            }
        }
        return largest;
    }

    private static int largest(Rows rows) {
        int best = 0;
        for (int i = 0; i < rows.count() * rows.cols(); i++) {
            if (Math.abs(rows.get(i / rows.cols(), i % rows.cols()))
                    > Math.abs(rows.get(best / rows.cols(), best % rows.cols()))) {
                best = i;
            }
        }
        return best;
    }

    @Test
    void randomWeightsMakeProductsAsLargeAsWhatGoesIn() {
        try (Kernels kernels = Kernels.create(KernelKind.SCALAR, 1);
                TrainableMixtral model = TrainableMixtral.random(kernels, Models.wide(), OPTIONS, 1)) {
            double depth = Math.sqrt(2 * Models.wide().numLayers());
            for (Parameter parameter : model.parameters()) {
                String name = parameter.name();
                boolean addsToResidual = name.contains("o_proj") || name.contains(".w2.");
                double expected = !parameter.decays() || name.contains("embed_tokens")
                        ? 1
                        : 1 / Math.sqrt(parameter.cols()) / (addsToResidual ? depth : 1);
                assertThat(size(parameter.value())).as(name).isCloseTo(expected, withinPercentage(25));
            }
        }
    }

    /// The root of the mean square.
    private static double size(Rows rows) {
        double sum = 0;
        for (int i = 0; i < rows.count() * rows.cols(); i++) {
            sum += Math.pow(rows.get(i / rows.cols(), i % rows.cols()), 2);
        }
        return Math.sqrt(sum / (rows.count() * rows.cols()));
    }

    @Test
    void gradientsAreAddedToWhatIsThere() {
        try (Kernels kernels = Kernels.create(KernelKind.SCALAR, 1);
                TrainableMixtral model = TrainableMixtral.random(kernels, Models.config(), OPTIONS, 1)) {
            model.forwardBackward(Models.batch(), 1, 0);
            Parameter parameter = model.parameters().getLast();
            float once = parameter.gradient().get(7, 3);
            model.forwardBackward(Models.batch(), 1, 0);
            assertThat(parameter.gradient().get(7, 3))
                    .isCloseTo(2 * once, within(1e-6f))
                    .isNotZero();
        }
    }

    @Test
    void rejectsBatchesThatDoNotFit() {
        try (Kernels kernels = Kernels.create(KernelKind.SCALAR, 1);
                TrainableMixtral model = TrainableMixtral.random(kernels, Models.config(), OPTIONS, 1)) {
            assertThatThrownBy(
                            () -> model.evaluate(new PackedBatch(new int[17], new int[17], new int[1], new float[17])))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a batch of 17 rows does not fit a model made for 16");
            assertThatThrownBy(() ->
                            model.evaluate(new PackedBatch(new int[] {1, 23}, new int[2], new int[1], new float[2])))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("token id 23 is outside the vocabulary of 23");
        }
    }
}
