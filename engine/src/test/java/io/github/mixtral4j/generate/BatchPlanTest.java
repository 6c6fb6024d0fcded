package io.github.mixtral4j.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchPlanTest {
    @Test
    void smallNeedsAreMetAndTheRestIsShared() {
        BatchPlan plan =
                BatchPlan.of(List.of(session(0, 1000, 0), session(1, 7, 6), session(2, 100, 0), session(3, 9, 8)), 512);
        assertThat(plan.shares()).extracting(BatchPlan.Share::rows).containsExactly(1, 1, 100, 410);
        assertThat(plan.shares())
                .extracting(s -> s.session().lease().sequence())
                .containsExactly(1, 3, 2, 0);
        assertThat(plan.batch().size()).isEqualTo(512);
        assertThat(plan.batch().logitRows()).containsExactly(0, 1, 101);
    }

    @Test
    void longPromptsShareEqually() {
        BatchPlan plan = BatchPlan.of(List.of(session(0, 1000, 200), session(1, 900, 0), session(2, 800, 0)), 100);
        assertThat(plan.shares()).extracting(BatchPlan.Share::rows).containsExactly(33, 33, 34);
        assertThat(plan.batch().logitRows()).isEmpty();
    }

    @Test
    void everySessionGetsARow() {
        List<Session> sessions =
                IntStream.range(0, 8).mapToObj(i -> session(i, 50, 0)).toList();
        assertThat(BatchPlan.of(sessions, 8).shares())
                .extracting(BatchPlan.Share::rows)
                .containsOnly(1);
    }

    @Test
    void rowsContinueEachSequence() {
        BatchPlan plan = BatchPlan.of(List.of(session(4, 6, 3), session(9, 5, 4)), 3);
        assertThat(plan.batch().tokens()).containsExactly(14, 13, 14);
        assertThat(plan.batch().positions()).containsExactly(4, 3, 4);
        assertThat(plan.batch().sequences()).containsExactly(9, 4, 4);
        assertThat(plan.batch().logitRows()).containsExactly(0);
    }

    /// A session with `length` tokens 10, 11, 12 …, of which `computed` are in the cache.
    private static Session session(int sequence, int length, int computed) {
        int[] prompt = new int[length];
        Arrays.setAll(prompt, i -> 10 + i % 200);
        var session = new Session(
                GenerationRequest.of(prompt),
                event -> {},
                TestVocabulary.TOKENIZER.streamDecoder(),
                Set.of(TestVocabulary.EOS),
                2000);
        session.start(new SequencePool.Lease(sequence, computed, 0));
        return session;
    }
}
