package io.github.mixtral4j.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.testkit.SizeSource;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Each rule by hand-computed examples, against a version that sorts, and by its laws.
class RulesTest {
    /// ln 0.5, ln 0.3, ln 0.15, ln 0.05: probabilities easy to follow.
    private static final float[] FOUR = logs(0.15, 0.5, 0.05, 0.3);

    static IntStream sizes() {
        return SizeSource.sizes();
    }

    @Test
    void topKKeepsTheMostLikely() {
        assertThat(kept(new TopK(2), FOUR)).containsExactly(1, 3);
        assertThat(kept(new TopK(1), FOUR)).containsExactly(1);
        assertThat(kept(new TopK(9), FOUR)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void topPKeepsTheTokenThatReachesTheMass() {
        assertThat(kept(new TopP(0.49), FOUR)).containsExactly(1);
        assertThat(kept(new TopP(0.6), FOUR)).containsExactly(1, 3);
        assertThat(kept(new TopP(0.9), FOUR)).containsExactly(0, 1, 3);
        assertThat(kept(new TopP(0.96), FOUR)).containsExactly(0, 1, 2, 3);
        assertThat(kept(new TopP(0), FOUR)).containsExactly(1);
    }

    @Test
    void minPKeepsAFractionOfTheBest() {
        assertThat(kept(new MinP(0.59), FOUR)).containsExactly(1, 3);
        assertThat(kept(new MinP(0.61), FOUR)).containsExactly(1);
        assertThat(kept(new MinP(0.29), FOUR)).containsExactly(0, 1, 3);
        assertThat(kept(new MinP(1), FOUR)).containsExactly(1);
    }

    @Test
    void typicalKeepsSurprisesNearTheEntropy() {
        // Entropy 1.142; surprises 1.897, 0.693, 2.996, 1.204, so distances 0.755, 0.449, 1.853, 0.062.
        assertThat(kept(new Typical(0.2), FOUR)).containsExactly(3);
        assertThat(kept(new Typical(0.5), FOUR)).containsExactly(1, 3);
        assertThat(kept(new Typical(0.85), FOUR)).containsExactly(0, 1, 3);
        assertThat(kept(new Typical(0.99), FOUR)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void typicalSurvivesProbabilitiesThatUnderflow() {
        assertThat(kept(new Typical(0.9), new float[] {-3e38f, 3e38f, 0})).containsExactly(1);
    }

    @Test
    void tiesGoToTheLowerId() {
        float[] equal = {1, 2, 2, 2, -0f, 0f};
        assertThat(kept(new TopK(2), equal)).containsExactly(1, 2);
        assertThat(kept(new TopK(5), equal)).containsExactly(0, 1, 2, 3, 4);
        assertThat(kept(new TopP(0.5), equal)).containsExactly(1, 2);
        assertThat(kept(new Greedy(), equal)).containsExactly(1);
        assertThat(kept(new Typical(0.4), new float[] {0, 0, 0, 0})).containsExactly(0, 1);
    }

    @Test
    void temperatureDividesLogits() {
        Candidates c = load(new float[] {1, 3, 2});
        new Temperature(0.5).process(c);
        assertThat(c.logit(1) - c.logit(0)).isEqualTo(4);
        assertThat(c.logit(1) - c.logit(2)).isEqualTo(2);
    }

    @Test
    void tinyTemperatureIsAlmostGreedyAndStaysFinite() {
        Candidates c = load(new float[] {-1e30f, 7, 6.999f});
        new Temperature(Double.MIN_VALUE).process(c);
        assertThat(Arrays.copyOf(c.probabilities(), 3)).containsExactly(0, 1, 0);
        assertThat(c.logit(0)).isEqualTo(-Float.MAX_VALUE);
    }

    @Test
    void biasIsAddedAndMinusInfinityBans() {
        Candidates c = load(new float[] {1, 2, 3, 4});
        new LogitBias(Map.of(1, 10.0, 2, Double.NEGATIVE_INFINITY, 99, 5.0)).process(c);
        assertThat(ids(c)).containsExactly(0, 1, 3);
        assertThat(c.logit(1)).isEqualTo(12);
        assertThat(c.logit(0)).isEqualTo(1);
    }

    @Test
    void penaltiesFollowTheirFormulas() {
        float[] logits = {2, -2, 2, 2};
        int[] text = {0, 1, 1, 2};
        assertThat(penalized(new RepetitionPenalty(2, new RecentTokens(-1)), logits, text))
                .containsExactly(1, -4, 1, 2);
        assertThat(penalized(new PresencePenalty(0.5, new RecentTokens(-1)), logits, text))
                .containsExactly(1.5f, -2.5f, 1.5f, 2);
        assertThat(penalized(new FrequencyPenalty(0.5, new RecentTokens(-1)), logits, text))
                .containsExactly(1.5f, -3, 1.5f, 2);
    }

    @Test
    void penaltiesForgetWhatLeavesTheWindow() {
        float[] logits = {2, 2, 2, 2};
        int[] text = {0, 1, 1, 2};
        assertThat(penalized(new FrequencyPenalty(0.5, new RecentTokens(2)), logits, text))
                .containsExactly(2, 1.5f, 1.5f, 2);
        assertThat(penalized(new FrequencyPenalty(0.5, new RecentTokens(1)), logits, text))
                .containsExactly(2, 2, 1.5f, 2);
    }

    @Test
    void forkedPenaltiesRememberByThemselves() {
        for (LogitsProcessor rule : List.of(
                new RepetitionPenalty(2, new RecentTokens(2)),
                new PresencePenalty(1, new RecentTokens(2)),
                new FrequencyPenalty(1, new RecentTokens(2)))) {
            rule.accept(0);
            LogitsProcessor fork = rule.fork();
            fork.accept(1);
            rule.accept(2);
            assertThat(penalized(rule, new float[] {4, 4, 4}))
                    .as("%s", rule)
                    .satisfies(l ->
                            assertThat(l[1]).isEqualTo(4).isNotEqualTo(l[0]).isNotEqualTo(l[2]));
            assertThat(penalized(fork, new float[] {4, 4, 4}))
                    .as("%s", fork)
                    .satisfies(l ->
                            assertThat(l[2]).isEqualTo(4).isNotEqualTo(l[0]).isNotEqualTo(l[1]));
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void selectionKeepsWhatASortWouldKeep(int size) {
        var random = new Random(size);
        for (boolean manyTies : new boolean[] {false, true}) {
            float[] logits = logits(random, size, manyTies);
            double[] p = softmax(logits);
            double entropy = -Arrays.stream(p).map(x -> x * Math.log(x)).sum();
            for (double mass : new double[] {0.1, 0.5, 0.9, 0.999}) {
                String seen = "size " + size + ", ties " + manyTies + ", mass " + mass;
                assertThat(kept(new TopP(mass), logits))
                        .as("top-p, %s", seen)
                        .isEqualTo(sortAndKeep(p, i -> p[i], mass));
                assertThat(kept(new Typical(mass), logits))
                        .as("typical, %s", seen)
                        .isEqualTo(sortAndKeep(p, i -> (float) -Math.abs(-Math.log(p[i]) - entropy), mass));
            }
            double[] ones = new double[size];
            Arrays.fill(ones, 1);
            for (int k : new int[] {1, 2, 40, Math.max(1, size - 1), size}) {
                assertThat(kept(new TopK(k), logits))
                        .as("top-k %d, size %d, ties %s", k, size, manyTies)
                        .isEqualTo(sortAndKeep(ones, i -> logits[i], k));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void masksShrinkTheSetAndLeaveTheLogitsAlone(int size) {
        var random = new Random(size);
        for (LogitsProcessor mask : List.of(
                new TopK(7),
                new TopP(0.8),
                new MinP(0.1),
                new Typical(0.7),
                new Greedy(),
                new LogitBias(Map.of(size, Double.NEGATIVE_INFINITY)))) {
            float[] logits = logits(random, size, true);
            Candidates c = load(logits);
            mask.process(c);
            assertThat(c.count()).as("%s, size %d", mask, size).isBetween(1, size);
            for (int i = 0; i < c.count(); i++) {
                assertThat(c.logit(i)).isEqualTo(logits[c.id(i)]);
                assertThat(i == 0 || c.id(i) > c.id(i - 1)).as("ascending ids").isTrue();
            }
            double[] after = Arrays.copyOf(c.probabilities(), c.count());
            assertThat(Arrays.stream(after).sum()).isEqualTo(1, within(1e-12));
            double[] before = softmax(logits);
            assertThat(after[0] * before[c.id(c.count() - 1)])
                    .as("renormalized: ratios stay")
                    .isEqualTo(after[c.count() - 1] * before[c.id(0)], within(1e-12));
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void neutralRulesChangeNothing(int size) {
        float[] logits = logits(new Random(size), size, false);
        var rules = List.of(
                new TopK(size),
                new TopP(1),
                new MinP(0),
                new Typical(1),
                new LogitBias(Map.of(0, 0.0)),
                new RepetitionPenalty(1, new RecentTokens(-1)),
                new PresencePenalty(0, new RecentTokens(-1)),
                new FrequencyPenalty(0, new RecentTokens(-1)));
        Candidates c = load(logits);
        for (LogitsProcessor rule : rules) {
            rule.accept(0);
            rule.process(c);
        }
        assertThat(c.count()).isEqualTo(size);
        for (int i = 0; i < size; i++) {
            assertThat(c.logit(i)).isEqualTo(logits[i]);
        }
    }

    private static float[] logits(Random random, int size, boolean manyTies) {
        float[] logits = new float[size];
        for (int i = 0; i < size; i++) {
            logits[i] = manyTies ? random.nextInt(5) : (float) random.nextGaussian() * 3;
        }
        return logits;
    }

    /// The definition: sort by key, best first and lower ids first among equals, and add up weights to the target.
    private static int[] sortAndKeep(double[] weights, IntToDoubleFunction key, double target) {
        List<Integer> order = IntStream.range(0, weights.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -key.applyAsDouble(i)))
                .toList();
        double sum = 0;
        int count = 0;
        while (count < order.size() && sum < target) {
            sum += weights[order.get(count++)];
        }
        return order.subList(0, count).stream().mapToInt(i -> i).sorted().toArray();
    }

    private static double[] softmax(float[] logits) {
        double max = IntStream.range(0, logits.length)
                .mapToDouble(i -> logits[i])
                .max()
                .orElseThrow();
        double[] p = IntStream.range(0, logits.length)
                .mapToDouble(i -> Math.exp(logits[i] - max))
                .toArray();
        double sum = Arrays.stream(p).sum();
        return Arrays.stream(p).map(x -> x / sum).toArray();
    }

    private static float[] penalized(LogitsProcessor rule, float[] logits, int... text) {
        for (int token : text) {
            rule.accept(token);
        }
        Candidates c = load(logits);
        rule.process(c);
        float[] result = new float[c.count()];
        for (int i = 0; i < result.length; i++) {
            result[i] = c.logit(i);
        }
        return result;
    }

    private static float[] logs(double... probabilities) {
        float[] logits = new float[probabilities.length];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) Math.log(probabilities[i]);
        }
        return logits;
    }

    private static Candidates load(float[] logits) {
        return new Candidates(logits.length).load(MemorySegment.ofArray(logits));
    }

    private static int[] kept(LogitsProcessor rule, float[] logits) {
        Candidates c = load(logits);
        rule.process(c);
        return ids(c);
    }

    private static int[] ids(Candidates c) {
        return IntStream.range(0, c.count()).map(c::id).toArray();
    }
}
