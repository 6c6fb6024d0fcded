package io.github.mixtral4j.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final int VOCAB = 1000;

    @Test
    void sameSeedGivesTheSameTokens() {
        SamplingParams params = SamplingParams.builder()
                .topP(0.95)
                .repetitionPenalty(1.2)
                .seed(7)
                .build();
        assertThat(text(Sampler.of(params), 50)).isEqualTo(text(Sampler.of(params), 50));
        assertThat(text(Sampler.of(params), 50))
                .isNotEqualTo(text(Sampler.of(params.toBuilder().seed(8).build()), 50));
    }

    @Test
    void withoutASeedTokensDiffer() {
        assertThat(text(Sampler.of(SamplingParams.defaults()), 50))
                .isNotEqualTo(text(Sampler.of(SamplingParams.defaults()), 50));
    }

    @Test
    void seedsMeanTheSameInEveryVersion() {
        // SplitMix64 from state 42 begins with 13679457532755275413, 2949826092126892291, 5139283748462763858:
        // as fractions of 2^64 0.741…, 0.159…, 0.278…, which fall in these tenths.
        Sampler sampler = new Sampler(List.of(), 42);
        int[] tenths =
                IntStream.range(0, 3).map(i -> sample(sampler, new float[10])).toArray();
        assertThat(tenths).containsExactly(7, 1, 2);
    }

    @Test
    void topKOfOneIsGreedy() {
        SamplingParams one =
                SamplingParams.builder().temperature(1.3).topK(1).seed(1).build();
        assertThat(text(Sampler.of(one), 50)).isEqualTo(text(Sampler.of(SamplingParams.greedy()), 50));
    }

    @Test
    void greedyTakesTheLowestOfEqualIds() {
        assertThat(sample(Sampler.of(SamplingParams.greedy()), new float[] {1, 5, 5, 2}))
                .isEqualTo(1);
    }

    @Test
    void drawsFollowTheProbabilities() {
        float[] logits = new float[20];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) Math.log(i + 1);
        }
        int draws = 100_000;
        Sampler sampler =
                Sampler.of(SamplingParams.builder().temperature(1).seed(3).build());
        int[] seen = new int[logits.length];
        for (int i = 0; i < draws; i++) {
            seen[sample(sampler, logits)]++;
        }
        double chiSquared = 0;
        for (int i = 0; i < seen.length; i++) {
            double expected = draws * (i + 1) / 210.0;
            chiSquared += (seen[i] - expected) * (seen[i] - expected) / expected;
        }
        // 19 degrees of freedom: a fair sampler exceeds 43.8 once in a thousand seeds.
        assertThat(chiSquared).isLessThan(43.8);
    }

    @Test
    void temperatureSharpensTheDistribution() {
        // Odds of 2 : 1 become 4 : 1 at temperature 0.5.
        Sampler sampler =
                Sampler.of(SamplingParams.builder().temperature(0.5).seed(5).build());
        float[] logits = {(float) Math.log(2), 0};
        long first = IntStream.range(0, 50_000)
                .filter(i -> sample(sampler, logits) == 0)
                .count();
        assertThat(first / 50_000.0).isEqualTo(0.8, within(0.01));
    }

    @Test
    void addingAConstantToAllLogitsChangesNothing() {
        SamplingParams params = SamplingParams.builder()
                .topK(30)
                .typicalP(0.95)
                .topP(0.9)
                .minP(0.02)
                .presencePenalty(0.5)
                .frequencyPenalty(0.25)
                .seed(11)
                .build();
        Sampler plain = Sampler.of(params);
        Sampler shifted = Sampler.of(params);
        var random = new Random(12);
        for (int step = 0; step < 100; step++) {
            float[] logits = new float[VOCAB];
            float[] more = new float[VOCAB];
            for (int i = 0; i < VOCAB; i++) {
                // Quarters, so that the sums are exact.
                logits[i] = random.nextInt(-40, 40) / 4f;
                more[i] = logits[i] + 64;
            }
            int token = sample(plain, logits);
            assertThat(sample(shifted, more)).as("step %d", step).isEqualTo(token);
            plain.accept(token);
            shifted.accept(token);
        }
    }

    @Test
    void bannedTokensNeverAppear() {
        Sampler sampler = Sampler.of(SamplingParams.builder()
                .logitBias(Map.of(0, Double.NEGATIVE_INFINITY, 2, Double.NEGATIVE_INFINITY))
                .build());
        assertThat(IntStream.range(0, 1000).map(i -> sample(sampler, new float[] {50, 0, 50})))
                .containsOnly(1);
    }

    @Test
    void tokensOfMinusInfinityAreNoCandidates() {
        Sampler sampler = Sampler.of(SamplingParams.defaults());
        assertThat(IntStream.range(0, 1000)
                        .map(i -> sample(sampler, new float[] {Float.NEGATIVE_INFINITY, 0, Float.NEGATIVE_INFINITY})))
                .containsOnly(1);
    }

    @Test
    void saysWhenEverythingIsBanned() {
        String message = "no token is left to choose from: logitBias and masks ban the whole vocabulary";
        SamplingParams params = SamplingParams.builder()
                .logitBias(Map.of(0, Double.NEGATIVE_INFINITY, 1, Double.NEGATIVE_INFINITY))
                .build();
        assertThatThrownBy(() -> sample(Sampler.of(params), new float[2]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
        assertThatThrownBy(() -> sample(Sampler.of(SamplingParams.greedy()), new float[] {Float.NEGATIVE_INFINITY}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void saysWhichLogitIsNotANumber() {
        assertThatThrownBy(() -> sample(Sampler.of(SamplingParams.greedy()), new float[] {1, Float.NaN, 2}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the logit of token 1 is NaN; the weights are damaged or the computation overflowed");
        assertThatThrownBy(
                        () -> sample(Sampler.of(SamplingParams.greedy()), new float[] {1, 2, Float.POSITIVE_INFINITY}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the logit of token 2 is Infinity; the weights are damaged or the computation overflowed");
    }

    @Test
    void refusesARowOfAnotherVocabulary() {
        assertThatThrownBy(() -> new Candidates(3).load(MemorySegment.ofArray(new float[4])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a row of 16 bytes does not hold the float logits of a vocabulary of 3");
    }

    @Test
    void readsNativeAndHeapRowsAlike() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3);
            Candidates c = new Candidates(3).load(row.asReadOnly());
            assertThat(Sampler.of(SamplingParams.greedy()).sample(c)).isEqualTo(2);
        }
    }

    @Test
    void forkGoesOnAlike() {
        Sampler sampler =
                Sampler.of(SamplingParams.builder().frequencyPenalty(0.5).build());
        text(sampler, 10);
        Sampler fork = sampler.fork();
        assertThat(text(fork, 30)).isEqualTo(text(sampler, 30));
    }

    /// Tokens over logits that are random but the same for all samplers.
    private static int[] text(Sampler sampler, int length) {
        var random = new Random(99);
        int[] tokens = new int[length];
        for (int step = 0; step < length; step++) {
            float[] logits = new float[VOCAB];
            for (int i = 0; i < VOCAB; i++) {
                logits[i] = (float) random.nextGaussian() * 2;
            }
            tokens[step] = sample(sampler, logits);
            sampler.accept(tokens[step]);
        }
        return tokens;
    }

    private static int sample(Sampler sampler, float[] logits) {
        return sampler.sample(new Candidates(logits.length).load(MemorySegment.ofArray(logits)));
    }
}
