package io.github.mixtral4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.generate.Scoring.Perplexity;
import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.sampling.Logprobs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ScoringTest {
    private static final int CONTEXT = 20;

    private final FakeModel model = new FakeModel(CONTEXT);
    private final Scoring scoring = new Scoring(model, CONTEXT, 8);

    @Test
    void meanNllIsThatOfEveryTokenAfterTheFirst() throws InterruptedException {
        int[] ids = ids(15);
        double expected = Arrays.stream(referenceNll(ids)).skip(1).average().orElseThrow();
        assertThat(scoring.meanNll(ids)).isEqualTo(expected, within(1e-12));
        assertThat(model.contents()).as("the sequence is closed").isEmpty();
    }

    @Test
    void perplexityScoresTheSecondHalfOfEachWindow() throws InterruptedException {
        int[] ids = ids(3 * CONTEXT + 7);
        List<Double> nll = new ArrayList<>();
        for (int w = 0; w < 3; w++) {
            int[] window = Arrays.copyOfRange(ids, w * CONTEXT, (w + 1) * CONTEXT);
            window[0] = TestVocabulary.BOS;
            // Logits at positions 10 … 18 predict the tokens 11 … 19.
            Arrays.stream(referenceNll(window)).skip(CONTEXT / 2 + 1).forEach(nll::add);
        }
        double mean = nll.stream().mapToDouble(x -> x).average().orElseThrow();
        double variance =
                nll.stream().mapToDouble(x -> (x - mean) * (x - mean)).average().orElseThrow() / (nll.size() - 1);

        List<Perplexity> progress = new ArrayList<>();
        Perplexity perplexity = scoring.perplexity(ids, TestVocabulary.BOS, progress::add);
        assertThat(perplexity.scoredTokens()).isEqualTo(27);
        assertThat(perplexity.meanNll()).isEqualTo(mean, within(1e-12));
        assertThat(perplexity.value()).isEqualTo(Math.exp(mean), within(1e-9));
        assertThat(perplexity.standardError()).isEqualTo(Math.exp(mean) * Math.sqrt(variance), within(1e-9));
        assertThat(progress).hasSize(3).last().isEqualTo(perplexity);
        assertThat(progress).extracting(Perplexity::windows).containsExactly(1, 2, 3);
        assertThat(progress).extracting(Perplexity::totalWindows).containsOnly(3);
    }

    @Test
    void runsInPiecesAndComputesNoLogitsThatAreNotScored() throws InterruptedException {
        scoring.perplexity(ids(CONTEXT), TestVocabulary.BOS, p -> {});
        assertThat(model.batches).extracting(Batch::size).containsExactly(8, 8, 3);
        assertThat(model.batches).extracting(b -> b.logitRows().length).containsExactly(0, 6, 3);
    }

    @Test
    void stopsWhenTheThreadIsInterrupted() {
        assertThatThrownBy(() -> scoring.perplexity(
                        ids(5 * CONTEXT),
                        TestVocabulary.BOS,
                        p -> Thread.currentThread().interrupt()))
                .isInstanceOf(InterruptedException.class);
        assertThat(model.batches).as("one window").hasSize(3);
        assertThat(model.contents()).isEmpty();
    }

    @Test
    void saysWhenTheTextIsTooShortOrTooLong() {
        assertThatThrownBy(() -> scoring.perplexity(ids(CONTEXT - 1), TestVocabulary.BOS, p -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the text has 19 tokens, but a window has 20; give more text or a shorter context");
        assertThatThrownBy(() -> scoring.meanNll(5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the mean next-token loss needs 2 to 20 tokens, got 1");
        assertThatThrownBy(() -> scoring.meanNll(ids(CONTEXT + 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the mean next-token loss needs 2 to 20 tokens, got 21");
    }

    @Test
    void closesItsModel() {
        scoring.close();
        assertThat(model.closes()).isEqualTo(1);
    }

    /// Negative log-likelihood of each token given those before it, one forward for each; that of the first is 0.
    private static double[] referenceNll(int[] ids) {
        double[] nll = new double[ids.length];
        for (int i = 1; i < ids.length; i++) {
            try (var model = new FakeModel(ids.length + FakeModel.PAGE_TOKENS)) {
                model.forward(Batch.ofSequence(model.openSequence(), 0, ids, 0, i));
                nll[i] = -Logprobs.logprob(model.logits(0), ids[i]);
            }
        }
        return nll;
    }

    private static int[] ids(int count) {
        return new Random(5).ints(count, 3, TestVocabulary.SIZE).toArray();
    }
}
