package io.github.mixtral4j.train.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

final class ScheduleTest {
    @Test
    void cosineRisesEvenlyAndFallsToItsFinalFraction() {
        Schedule schedule = new Schedule.Cosine(2, 10, 0.1);
        assertRate(schedule, 1, 110, 0.2);
        assertRate(schedule, 10, 110, 2);
        assertRate(schedule, 35, 110, 0.2 + 1.8 * (1 + Math.sqrt(0.5)) / 2); // a quarter of the way down
        assertRate(schedule, 60, 110, 1.1);
        assertRate(schedule, 110, 110, 0.2);
    }

    /// Values of `torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=11)` by its documented
    /// rule: from 0.04 at index 0 to 1 at index 0.3 · 11 − 1 = 2.3, to 4e-6 at index 10.
    @Test
    void oneCycleIsThatOfPyTorch() {
        Schedule schedule = new Schedule.OneCycle(1, 0.3, 25, 1e4);
        assertRate(schedule, 1, 11, 0.04);
        assertRate(schedule, 2, 11, 1 + (0.04 - 1) / 2 * (1 + Math.cos(Math.PI / 2.3)));
        assertRate(schedule, 4, 11, 4e-6 + (1 - 4e-6) / 2 * (1 + Math.cos(Math.PI * 0.7 / 7.7)));
        assertRate(schedule, 11, 11, 4e-6);
        assertRate(new Schedule.OneCycle(1, 0.5, 10, 100), 5, 10, 1);
    }

    @Test
    void constantStaysWhereWarmUpLeadsTo() {
        Schedule schedule = new Schedule.Constant(3, 3);
        assertRate(schedule, 1, 100, 1);
        assertRate(schedule, 3, 100, 3);
        assertRate(schedule, 100, 100, 3);
    }

    @Test
    void runsOfOneStepHaveARate() {
        assertRate(new Schedule.Constant(3, 0), 1, 1, 3);
        assertRate(new Schedule.Cosine(3, 0, 0.1), 1, 1, 0.3);
        assertThat(new Schedule.OneCycle(3, 0.3, 25, 1e4).at(1, 1)).isBetween(0.0, 3.0);
    }

    private static void assertRate(Schedule schedule, int step, int steps, double rate) {
        assertThat(schedule.at(step, steps)).isCloseTo(rate, within(1e-12));
    }
}
