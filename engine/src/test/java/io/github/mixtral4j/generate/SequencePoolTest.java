package io.github.mixtral4j.generate;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.generate.SequencePool.Lease;
import io.github.mixtral4j.model.Batch;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// A cache of 10 pages of 4 tokens. Token lists are written as strings, a letter each.
class SequencePoolTest {
    private final FakeModel model = new FakeModel(40);
    private final SequencePool pool = new SequencePool(model);

    @Test
    void nothingIsReusedAtFirst() {
        assertThat(pool.acquire(tokens("abc"), 10).computed()).isZero();
    }

    @Test
    void aConversationGoesOnInItsSequence() {
        Lease first = run("abcdef", 12);
        Lease next = pool.acquire(tokens("abcdefxyz"), 12);
        assertThat(next.sequence()).isEqualTo(first.sequence());
        assertThat(next.computed()).isEqualTo(6);
    }

    @Test
    void theLastPromptTokenIsAlwaysComputed() {
        run("abcdef", 12);
        assertThat(pool.acquire(tokens("abcdef"), 12).computed()).isEqualTo(5);
        assertThat(model.contents()).containsExactly(list("abcde"));
    }

    @Test
    void aDifferentEndIsCutOff() {
        run("abcdefgh", 12);
        Lease lease = pool.acquire(tokens("abcdefXY"), 12);
        assertThat(lease.computed()).isEqualTo(6);
        assertThat(model.contents()).containsExactly(list("abcdef"));
    }

    @Test
    void theLongestCommonBeginningWins() {
        run("abcdX", 12);
        Lease best = run("abcdefg", 12);
        assertThat(pool.acquire(tokens("abcdefgh"), 12).sequence()).isEqualTo(best.sequence());
    }

    @Test
    void aSmallCommonBeginningDoesNotDestroyAConversation() {
        run("abcdefghij", 12);
        Lease other = pool.acquire(tokens("abX"), 12);
        assertThat(other.computed()).isZero();
        assertThat(model.contents()).contains(list("abcdefghij"));
    }

    @Test
    void whatMustGoAnywayIsReusedHoweverLittleItHolds() {
        Lease old = run("abcdefghij", 12);
        run("qrst", 4);
        // 3 and 1 pages are kept; 9 of 10 are wanted, so the oldest goes, and its beginning serves.
        Lease large = pool.acquire(tokens("abX"), 36);
        assertThat(large.sequence()).isEqualTo(old.sequence());
        assertThat(large.computed()).isEqualTo(2);
        assertThat(model.contents()).containsExactlyInAnyOrder(list("ab"), list("qrst"));
    }

    @Test
    void theLeastRecentlyUsedMakesRoom() {
        run("aaaaaaaa", 8);
        run("bbbbbbbb", 8);
        run("aaaaaaaaX", 12);
        pool.acquire(tokens("c"), 24);
        assertThat(model.contents()).containsExactlyInAnyOrder(list("aaaaaaaaX"), List.of());
    }

    @Test
    void continuingDoesNotCountTwice() {
        // 5 of 10 pages are kept; the continuation wants 10 in all and takes those 5 over.
        Lease first = run("abcdefghijklmnopqrst", 20);
        Lease next = pool.acquire(tokens("abcdefghijklmnopqrstu"), 40);
        assertThat(next.sequence()).isEqualTo(first.sequence());
        assertThat(next.computed()).isEqualTo(20);
    }

    @Test
    void runningRequestsKeepTheirRoom() {
        Lease lease = pool.acquire(tokens("a"), 25);
        assertThat(pool.fits(12)).isTrue();
        assertThat(pool.fits(13)).isFalse();
        pool.keep(lease, tokens("a"));
        assertThat(pool.fits(40)).isTrue();
        assertThat(pool.fits(41)).isFalse();
    }

    @Test
    void brokenSequencesAreNotKept() {
        Lease lease = pool.acquire(tokens("abc"), 12);
        pool.discard(lease);
        assertThat(model.contents()).isEmpty();
        assertThat(pool.fits(40)).isTrue();
        assertThat(pool.acquire(tokens("abcd"), 12).computed()).isZero();
    }

    /// Runs these tokens with room for `room` and keeps them.
    private Lease run(String tokens, int room) {
        Lease lease = pool.acquire(tokens(tokens), room);
        int count = tokens.length() - lease.computed();
        model.forward(Batch.ofSequence(lease.sequence(), lease.computed(), tokens(tokens), lease.computed(), count));
        pool.keep(lease, tokens(tokens));
        return lease;
    }

    private static int[] tokens(String letters) {
        return letters.chars().toArray();
    }

    private static List<Integer> list(String letters) {
        return Arrays.stream(tokens(letters)).boxed().toList();
    }
}
