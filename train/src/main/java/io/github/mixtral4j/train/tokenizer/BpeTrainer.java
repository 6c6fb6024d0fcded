package io.github.mixtral4j.train.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/// Learns merges: the commonest pair of neighbours becomes a piece, everywhere at once, again and again.
///
/// Each pair knows the words it occurs in, so that a merge visits these and no others; the commonest pair
/// comes out of a heap, whose entries may be out of date and are then put back with today's count. Of pairs
/// that are equally common the one whose text comes first wins, so the order of the corpus does not matter.
///
/// Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", algorithm 1;
/// two ways to build the same text are one piece, as in sentencepiece's bpe_model_trainer.cc.
final class BpeTrainer {
    /// `max_sentencepiece_length` of Mistral's tokenizers, in characters.
    private static final int MAX_PIECE_LENGTH = 16;

    /// A pair that occurs once teaches nothing.
    private static final long MIN_COUNT = 2;

    private static final Comparator<Candidate> BEST_FIRST = Comparator.comparingLong(Candidate::count)
            .reversed()
            .thenComparing(Candidate::text)
            .thenComparingLong(Candidate::pair);

    /// A word as the ids of its symbols.
    private static final class Word {
        int[] symbols;
        final long count;
        /// The merge that visited it last: a pair may name a word twice.
        int visited;

        Word(int[] symbols, long count) {
            this.symbols = symbols;
            this.count = count;
        }
    }

    /// Two neighbours: how often they occur, and in which words they did at some time.
    private static final class Pair {
        long count;
        int[] words = new int[4];
        int size;

        void add(int word) {
            if (size == words.length) {
                words = Arrays.copyOf(words, 2 * size);
            }
            words[size++] = word;
        }
    }

    private record Candidate(long count, String text, long pair) {}

    private final List<Word> words = new ArrayList<>();
    private final List<String> texts = new ArrayList<>();
    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<Long, Pair> pairs = new HashMap<>();
    private final PriorityQueue<Candidate> heap = new PriorityQueue<>(BEST_FIRST);
    private final Set<Long> grown = new HashSet<>();
    private int merge;

    /// @param stretches how often each occurs
    /// @param alphabet the characters that have pieces; pieces do not reach across others
    BpeTrainer(Map<String, Long> stretches, Set<Integer> alphabet) {
        stretches.forEach((stretch, count) -> addWords(stretch, count, alphabet));
        for (int word = 0; word < words.size(); word++) {
            int[] symbols = words.get(word).symbols;
            for (int i = 0; i + 1 < symbols.length; i++) {
                grow(symbols[i], symbols[i + 1], word);
            }
        }
        offerGrown();
    }

    private void addWords(String stretch, long count, Set<Integer> alphabet) {
        int[] symbols = new int[stretch.length()];
        int length = 0;
        for (int character : stretch.codePoints().toArray()) {
            if (alphabet.contains(character)) {
                symbols[length++] = id(Character.toString(character));
            } else {
                addWord(Arrays.copyOf(symbols, length), count);
                length = 0;
            }
        }
        addWord(Arrays.copyOf(symbols, length), count);
    }

    private void addWord(int[] symbols, long count) {
        if (symbols.length > 1) {
            words.add(new Word(symbols, count));
        }
    }

    private int id(String text) {
        Integer id = ids.get(text);
        if (id != null) {
            return id;
        }
        texts.add(text);
        ids.put(text, texts.size() - 1);
        return texts.size() - 1;
    }

    /// The first `wanted` merges, best first; fewer if no pair is left that occurs twice.
    List<String> merges(int wanted) {
        List<String> merges = new ArrayList<>();
        while (merges.size() < wanted && !heap.isEmpty()) {
            Candidate best = heap.poll();
            Pair pair = pairs.get(best.pair);
            if (pair == null) {
                continue;
            }
            if (pair.count != best.count) {
                offer(best.pair, pair);
                continue;
            }
            boolean isNew = !ids.containsKey(best.text);
            merge(best.pair, pair, id(best.text));
            if (isNew) {
                merges.add(best.text);
            }
        }
        return merges;
    }

    private void merge(long key, Pair pair, int symbol) {
        int left = (int) (key >> 32);
        int right = (int) key;
        pairs.remove(key);
        merge++;
        for (int i = 0; i < pair.size; i++) {
            Word word = words.get(pair.words[i]);
            if (word.visited != merge) {
                word.visited = merge;
                replace(pair.words[i], left, right, symbol);
            }
        }
        offerGrown();
    }

    /// Merges a pair in one word from left to right. Before each merge the word is what stands in `merged` followed by
    /// the rest of `symbols`, so that neighbours that were merged just before are counted as what they are.
    private void replace(int index, int left, int right, int symbol) {
        Word word = words.get(index);
        int[] symbols = word.symbols;
        int[] merged = new int[symbols.length];
        int length = 0;
        for (int i = 0; i < symbols.length; i++) {
            if (symbols[i] != left || i + 1 == symbols.length || symbols[i + 1] != right) {
                merged[length++] = symbols[i];
                continue;
            }
            if (length > 0) {
                add(merged[length - 1], left, -word.count);
                grow(merged[length - 1], symbol, index);
            }
            if (i + 2 < symbols.length) {
                add(right, symbols[i + 2], -word.count);
                grow(symbol, symbols[i + 2], index);
            }
            merged[length++] = symbol;
            i++;
        }
        word.symbols = Arrays.copyOf(merged, length);
    }

    private static long key(int left, int right) {
        return (long) left << 32 | right;
    }

    /// Changes the count of a pair; that of the pair being merged does not matter any more.
    private void add(int left, int right, long count) {
        Pair pair = pairs.get(key(left, right));
        if (pair != null) {
            pair.count += count;
        }
    }

    /// Notes that a pair occurs in a word.
    private void grow(int left, int right, int index) {
        long key = key(left, right);
        Pair pair = pairs.computeIfAbsent(key, k -> new Pair());
        pair.count += words.get(index).count;
        pair.add(index);
        grown.add(key);
    }

    private void offerGrown() {
        for (long key : grown) {
            Pair pair = pairs.get(key);
            if (pair != null) {
                offer(key, pair);
            }
        }
        grown.clear();
    }

    private void offer(long key, Pair pair) {
        if (pair.count >= MIN_COUNT) {
            String text = texts.get((int) (key >> 32)) + texts.get((int) key);
            if (text.codePointCount(0, text.length()) <= MAX_PIECE_LENGTH) {
                heap.add(new Candidate(pair.count, text, key));
            }
        }
    }
}
