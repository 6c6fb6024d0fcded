package io.github.mixtral4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Shares out the KV cache: room for running requests, and sequences of finished ones kept for whoever continues them.
///
/// A request reserves room for its longest possible length when it starts, so that it cannot run out of it later. What
/// is not reserved holds finished sequences. A new request takes over a kept sequence instead of computing the common
/// beginning again, in two cases: when at least half of the sequence is common, as with the next turn of a
/// conversation; or when the sequence must make room anyway. So a shared system prompt does not destroy other
/// conversations while there is room for all.
final class SequencePool {
    private final ModelRunner runner;
    private final int pageTokens;
    private final int pages;
    /// Least recently used first.
    private final List<Kept> kept = new ArrayList<>();
    private int reservedPages;

    /// Owns the sequences of the runner's cache from here on.
    SequencePool(ModelRunner runner) {
        this.runner = runner;
        this.pageTokens = runner.pageTokens();
        this.pages = runner.cacheTokens() / pageTokens;
    }

    /// A running request's sequence.
    ///
    /// @param sequence its id in the cache
    /// @param computed positions that it holds already
    record Lease(int sequence, int computed, int reservedPages) {}

    /// A sequence that nobody runs, and the tokens at its positions.
    private static final class Kept {
        static final Kept NONE = new Kept(-1, new int[0]);

        final int sequence;
        final int[] tokens;

        Kept(int sequence, int[] tokens) {
            this.sequence = sequence;
            this.tokens = tokens;
        }

        /// Length of the beginning shared with a prompt; never all of it, as the logits of its last token are needed.
        int common(int[] prompt) {
            int limit = Math.min(tokens.length, prompt.length - 1);
            int mismatch = Arrays.mismatch(tokens, 0, limit, prompt, 0, limit);
            return mismatch < 0 ? limit : mismatch;
        }
    }

    /// Whether there is room for `tokens` positions beside the running requests.
    boolean fits(int tokens) {
        return reservedPages + pagesOf(tokens) <= pages;
    }

    /// A sequence with room for `tokens` positions, for which [#fits] holds. It starts with as much of the prompt as a
    /// kept sequence provides.
    Lease acquire(int[] prompt, int tokens) {
        int needed = pagesOf(tokens);
        Kept source = kept.stream()
                .filter(k -> 2 * k.common(prompt) >= k.tokens.length)
                .reduce(Kept.NONE, (a, b) -> b.common(prompt) > a.common(prompt) ? b : a);
        kept.remove(source);
        while (reservedPages + needed + keptPages() > pages) {
            Kept leaving = kept.removeFirst();
            if (leaving.common(prompt) > source.common(prompt)) {
                close(source);
                source = leaving;
            } else {
                close(leaving);
            }
        }
        int computed = source.common(prompt);
        int sequence = source.sequence;
        if (computed > 0) {
            runner.truncate(sequence, computed);
        } else {
            sequence = runner.openSequence();
        }
        reservedPages += needed;
        return new Lease(sequence, computed, needed);
    }

    /// Ends a lease and keeps its sequence, which holds these tokens.
    void keep(Lease lease, int[] tokens) {
        reservedPages -= lease.reservedPages;
        var entry = new Kept(lease.sequence, tokens);
        if (tokens.length > 0) {
            kept.add(entry);
        } else {
            close(entry);
        }
    }

    /// Ends a lease whose sequence cannot be trusted any more.
    void discard(Lease lease) {
        keep(lease, new int[0]);
    }

    private void close(Kept entry) {
        if (entry != Kept.NONE) {
            runner.closeSequence(entry.sequence);
        }
    }

    private int keptPages() {
        return kept.stream().mapToInt(k -> pagesOf(k.tokens.length)).sum();
    }

    private int pagesOf(int tokens) {
        return Math.ceilDiv(tokens, pageTokens);
    }
}
