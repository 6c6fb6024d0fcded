package io.github.mixtral4j.train.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class PackedBatchTest {
    @Test
    void samplesEndWhereTheNextStarts() {
        PackedBatch batch = new PackedBatch(
                new int[] {1, 7, 9, 1, 4}, new int[] {0, 1, 2, 0, 1}, new int[] {0, 3}, new float[] {0, 1, 1, 0, 1});

        assertThat(batch.rows()).isEqualTo(5);
        assertThat(batch.samples()).isEqualTo(2);
        assertThat(batch.end(0)).isEqualTo(3);
        assertThat(batch.end(1)).isEqualTo(5);
    }

    @Test
    void rejectsArraysThatDoNotFitEachOther() {
        assertThatThrownBy(() -> new PackedBatch(new int[2], new int[2], new int[1], new float[3]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a batch needs as many positions and weights as tokens, at least one: got 2 tokens,"
                        + " 2 positions, 3 weights");
        assertThatThrownBy(() -> new PackedBatch(new int[2], new int[2], new int[] {1}, new float[2]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the first sample of a batch must start at row 0");
        assertThatThrownBy(() -> new PackedBatch(new int[2], new int[2], new int[] {0, 2}, new float[2]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("sample 1 of a batch of 2 rows starts at row 2 after one at 0");
    }
}
