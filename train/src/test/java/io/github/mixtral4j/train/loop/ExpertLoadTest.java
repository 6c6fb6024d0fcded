package io.github.mixtral4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class ExpertLoadTest {
    @Test
    void whatOneLacksIsTheOthers() {
        long[][] a = {{1, 2}, {3}};
        long[][] b = {{10, 20, 30}};
        assertThat(ExpertLoad.sum(a, b)).isDeepEqualTo(new long[][] {{11, 22, 30}, {3}});
        assertThat(ExpertLoad.sum(ExpertLoad.NONE, a)).isDeepEqualTo(a);
        assertThat(a).isDeepEqualTo(new long[][] {{1, 2}, {3}});
    }

    @Test
    void theWorstLayerTellsHowUnevenTheLoadIs() {
        assertThat(ExpertLoad.imbalance(new long[][] {{5, 5}, {1, 3}})).isEqualTo(1.5);
        assertThat(ExpertLoad.imbalance(ExpertLoad.NONE)).isZero();
        assertThat(ExpertLoad.imbalance(new long[][] {{0, 0}})).isZero();
    }
}
