package io.github.mixtral4j.train.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.optim.AdamW.Settings;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class AdamWTest {
    /// One step from zero moments moves every element by the rate, whatever its gradient: m / √v is its sign.
    @Test
    void firstStepIsDecayAndTheSignOfTheGradient() {
        try (Arena arena = Arena.ofShared();
                Kernels kernels = Kernels.create(KernelKind.VECTOR, 1)) {
            Parameter matrix = new Parameter("w", 1, 2, true, arena);
            Parameter norm = new Parameter("n", 1, 1, false, arena);
            matrix.value().set(0, 0, 2);
            matrix.value().set(0, 1, -2);
            norm.value().set(0, 0, 2);
            matrix.gradient().set(0, 0, 3);
            matrix.gradient().set(0, 1, -0.5f);
            norm.gradient().set(0, 0, 1);
            AdamW adam =
                    new AdamW(List.of(matrix, norm), new Settings(0.9, 0.999, 1e-8, 0.5), kernels.training(), arena);

            assertThat(adam.gradientNorm()).isCloseTo(Math.sqrt(9 + 0.25 + 1), within(1e-6));
            adam.step(0.1, 1);

            assertThat(matrix.value().get(0, 0)).isCloseTo(2 * 0.95f - 0.1f, within(1e-6f));
            assertThat(matrix.value().get(0, 1)).isCloseTo(-2 * 0.95f + 0.1f, within(1e-6f));
            assertThat(norm.value().get(0, 0)).isCloseTo(1.9f, within(1e-6f));
            assertThat(matrix.gradient().get(0, 0)).isZero();
        }
    }

    @Test
    void severalStepsEqualTheFormulaInDouble() {
        try (Arena arena = Arena.ofShared();
                Kernels kernels = Kernels.create(KernelKind.VECTOR, 1)) {
            Parameter parameter = new Parameter("w", 1, 1, true, arena);
            parameter.value().set(0, 0, 1);
            AdamW adam = new AdamW(List.of(parameter), new Settings(0.9, 0.95, 1e-8, 0.1), kernels.training(), arena);
            double p = 1;
            double m = 0;
            double v = 0;
            double[] gradients = {0.3, -0.1, 2, 0.05, 0.05};
            for (int t = 1; t <= gradients.length; t++) {
                double g = gradients[t - 1] * 0.5;
                parameter.gradient().set(0, 0, (float) gradients[t - 1]);
                adam.step(0.01, 0.5);

                p *= 1 - 0.01 * 0.1;
                m = 0.9 * m + 0.1 * g;
                v = 0.95 * v + 0.05 * g * g;
                p -= 0.01 * (m / (1 - Math.pow(0.9, t))) / (Math.sqrt(v / (1 - Math.pow(0.95, t))) + 1e-8);
                assertThat(parameter.value().get(0, 0)).as("step " + t).isCloseTo((float) p, within(2e-6f));
            }
        }
    }

    @Test
    void threadsChangeNothing() {
        assertThat(run(3)).isEqualTo(run(1));
    }

    private static float[] run(int threads) {
        try (Arena arena = Arena.ofShared();
                Kernels kernels = Kernels.create(KernelKind.VECTOR, threads)) {
            Random random = new Random(5);
            Parameter parameter = new Parameter("w", 37, 1001, true, arena);
            AdamW adam = new AdamW(List.of(parameter), new Settings(0.9, 0.95, 1e-8, 0.1), kernels.training(), arena);
            float[] result = new float[4];
            for (int step = 0; step < 3; step++) {
                for (int row = 0; row < 37; row++) {
                    for (int col = 0; col < 1001; col++) {
                        parameter.gradient().set(row, col, (float) random.nextGaussian());
                    }
                }
                result[step] = (float) adam.gradientNorm();
                adam.step(0.01, 1 / adam.gradientNorm());
            }
            result[3] = parameter.value().get(36, 1000);
            return result;
        }
    }
}
