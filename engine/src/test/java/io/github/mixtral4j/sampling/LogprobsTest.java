package io.github.mixtral4j.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.sampling.Logprobs.Entry;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LogprobsTest {
    @Test
    void areLogarithmsOfTheSoftmax() {
        MemorySegment logits = row((float) Math.log(5), (float) Math.log(3), (float) Math.log(2));
        Logprobs logprobs = Logprobs.of(logits, 2, 2);
        assertThat(logprobs.chosen().token()).isEqualTo(2);
        assertThat(logprobs.chosen().logprob()).isEqualTo(Math.log(0.2), within(1e-7));
        assertThat(logprobs.top()).extracting(Entry::token).containsExactly(0, 1);
        assertThat(logprobs.top().getFirst().logprob()).isEqualTo(Math.log(0.5), within(1e-7));
        assertThat(Logprobs.logprob(logits, 1)).isEqualTo(Math.log(0.3), within(1e-7));
    }

    @Test
    void topIsWhatASortGives() {
        var random = new Random(4);
        float[] logits = new float[500];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = random.nextInt(60) / 8f;
        }
        List<Integer> sorted = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -logits[i]))
                .toList();
        for (int n : new int[] {0, 1, 5, 20, 500, 600}) {
            assertThat(Logprobs.of(row(logits), 3, n).top())
                    .as("top %d", n)
                    .extracting(Entry::token)
                    .isEqualTo(sorted.subList(0, Math.min(n, logits.length)));
        }
    }

    @Test
    void hugeLogitsDoNotOverflow() {
        assertThat(Logprobs.logprob(row(3e38f, 3e38f, -3e38f), 0)).isEqualTo(Math.log(0.5), within(1e-7));
        assertThat(Logprobs.logprob(row(0, Float.NEGATIVE_INFINITY), 1)).isEqualTo(Double.NEGATIVE_INFINITY);
    }

    @Test
    void saysWhenThereIsNoDistribution() {
        for (float[] logits : new float[][] {
            {1, Float.NaN}, {Float.POSITIVE_INFINITY, 1}, {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY}
        }) {
            assertThatThrownBy(() -> Logprobs.of(row(logits), 0, 1))
                    .as(Arrays.toString(logits))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageMatching("the highest of the 2 logits is (NaN|Infinity|-Infinity);"
                            + " the weights are damaged or the computation overflowed");
        }
    }

    private static MemorySegment row(float... logits) {
        return MemorySegment.ofArray(logits);
    }
}
