package io.github.mixtral4j.tokenizer;

import org.jspecify.annotations.Nullable;

/// Remembers the ids of short parts of texts, words mostly. Bounded: one entry per slot, the later one stays; at most
/// some 2 MB. Threads may share it without locks: entries are immutable, and a thread that misses one computes it.
final class SegmentCache {
    /// Longest part that is kept, in chars; longer ones seldom come again.
    static final int MAX_LENGTH = 32;

    private static final int SLOTS = 1 << 14;

    /// Never written after it is made; its fields are final, so that a thread that gets it by a race sees all of it.
    private static final class Entry {
        final int hash;
        final String text;
        final int[] ids;

        Entry(int hash, String text, int[] ids) {
            this.hash = hash;
            this.text = text;
            this.ids = ids;
        }
    }

    private final @Nullable Entry[] entries = new @Nullable Entry[SLOTS];

    static int hash(String text, int start, int end) {
        int hash = 0;
        for (int i = start; i < end; i++) {
            hash = 31 * hash + text.charAt(i);
        }
        // Neighbouring words differ in low bits only; the multiplication carries them to where the slot is taken.
        return hash * 0x9E3779B1;
    }

    /// @return the ids of that part of the text, borrowed and not to be written, or null
    int @Nullable [] get(int hash, String text, int start, int end) {
        Entry entry = entries[slot(hash)];
        return entry != null
                        && entry.hash == hash
                        && entry.text.length() == end - start
                        && text.startsWith(entry.text, start)
                ? entry.ids
                : null;
    }

    /// @param ids becomes the cache's own
    void put(int hash, String text, int[] ids) {
        entries[slot(hash)] = new Entry(hash, text, ids);
    }

    private static int slot(int hash) {
        return hash >>> 18;
    }
}
