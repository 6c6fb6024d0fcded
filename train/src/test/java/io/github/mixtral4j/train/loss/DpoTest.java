package io.github.mixtral4j.train.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

final class DpoTest {
    @Test
    void aModelThatIsItsReferenceHasLossLog2() {
        Dpo dpo = Dpo.of(-12, -9, -12, -9, 0.1, 0);
        assertThat(dpo.loss()).isCloseTo(Math.log(2), within(1e-15));
        assertThat(dpo.margin()).isZero();
        assertThat(dpo.chosenGradient()).isEqualTo(-0.05);
    }

    @Test
    void lossIsTheFormula() {
        // margin = 0.5 · ((−10 + 12) − (−9 + 8)) = 1.5
        Dpo dpo = Dpo.of(-10, -9, -12, -8, 0.5, 0.1);
        assertThat(dpo.margin()).isEqualTo(1.5);
        double sigmoid = 1 / (1 + Math.exp(-1.5));
        assertThat(dpo.loss()).isCloseTo(-0.9 * Math.log(sigmoid) - 0.1 * Math.log(1 - sigmoid), within(1e-12));
    }

    @Test
    void gradientIsThatOfFiniteDifferences() {
        Random random = new Random(1);
        double h = 1e-5;
        for (int i = 0; i < 200; i++) {
            double chosen = -40 * random.nextDouble();
            double rejected = -40 * random.nextDouble();
            double refChosen = -40 * random.nextDouble();
            double refRejected = -40 * random.nextDouble();
            double beta = random.nextDouble();
            double smoothing = i % 2 == 0 ? 0 : 0.4 * random.nextDouble();
            double gradient = Dpo.of(chosen, rejected, refChosen, refRejected, beta, smoothing)
                    .chosenGradient();
            double byChosen = (Dpo.of(chosen + h, rejected, refChosen, refRejected, beta, smoothing)
                                    .loss()
                            - Dpo.of(chosen - h, rejected, refChosen, refRejected, beta, smoothing)
                                    .loss())
                    / (2 * h);
            double byRejected = (Dpo.of(chosen, rejected + h, refChosen, refRejected, beta, smoothing)
                                    .loss()
                            - Dpo.of(chosen, rejected - h, refChosen, refRejected, beta, smoothing)
                                    .loss())
                    / (2 * h);
            assertThat(gradient).as("seed 1, case " + i).isCloseTo(byChosen, within(1e-7));
            assertThat(-gradient).as("seed 1, case " + i).isCloseTo(byRejected, within(1e-7));
        }
    }

    @Test
    void extremeMarginsStayFinite() {
        assertThat(Dpo.of(-1e6, 0, 0, 0, 1, 0).loss()).isEqualTo(1e6);
        assertThat(Dpo.of(-1e6, 0, 0, 0, 1, 0).chosenGradient()).isEqualTo(-1);
        assertThat(Dpo.of(0, -1e6, 0, 0, 1, 0).loss()).isZero();
    }
}
