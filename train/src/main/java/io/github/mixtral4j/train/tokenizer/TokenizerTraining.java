package io.github.mixtral4j.train.tokenizer;

import io.github.mixtral4j.tokenizer.PieceType;
import io.github.mixtral4j.tokenizer.Vocabulary;
import io.github.mixtral4j.train.tokenizer.TokenizerLayout.Fixed;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Learns a tokenizer from text: SentencePiece's BPE with byte fallback, digits one by one, nothing normalized, a space
/// in front of every text, as Mistral's tokenizers have it. The same files give the same tokenizer, in any order.
///
/// | ids | pieces | score |
/// |---|---|---|
/// | from 0 | those of the layout, bytes last | 0 |
/// | then | runs of 2 to 16 spaces | -1e9, after everything else |
/// | then | merges, the commonest first, those of phrases last | 0, -1, -2 … by place |
/// | then | single characters, the commonest first | going on |
///
/// @param vocabSize pieces in all
/// @param layout which come first
/// @param coverage share of the characters of the corpus that get a piece of their own; the rarest are left to bytes
public record TokenizerTraining(int vocabSize, TokenizerLayout layout, double coverage) {
    /// Coverage as Google's trainer has it by default.
    public static final double DEFAULT_COVERAGE = 0.9995;

    private static final int LONGEST_RUN = 16;
    /// What Mistral's vocabularies give to pieces of spaces only.
    private static final float SPACES_SCORE = -1e9f;

    /// A bound far above real vocabularies.
    private static final int MAX_VOCAB_SIZE = 1 << 20;

    /// @throws IllegalArgumentException if a number is out of range
    public TokenizerTraining {
        int least = layout.fixed().size() + LONGEST_RUN;
        if (vocabSize < least || vocabSize > MAX_VOCAB_SIZE) {
            throw new IllegalArgumentException("a vocabulary of layout " + layout + " has " + least + " to "
                    + MAX_VOCAB_SIZE + " pieces, got " + vocabSize);
        }
        if (!(coverage > 0 && coverage <= 1)) {
            throw new IllegalArgumentException("character coverage must lie between 0 and 1, got " + coverage);
        }
    }

    /// Learns from text files in UTF-8.
    ///
    /// @param phrases a file of texts that are to be a piece each, one a line, with `▁` for a space; a
    ///     phrase may go on over words and punctuation, where learned pieces end
    /// @throws IllegalArgumentException if the text has too many characters, or too little to merge,
    ///     for the size, or the phrases too much
    /// @throws IOException if a file cannot be read or is not UTF-8
    public Vocabulary learn(List<Path> files, Optional<Path> phrases) throws IOException {
        Corpus corpus = new Corpus();
        for (Path file : files) {
            corpus.add(file);
        }
        return learn(corpus, phrases.isPresent() ? Phrases.read(phrases.get()) : Phrases.of(List.of()));
    }

    Vocabulary learn(Corpus corpus, Phrases phrases) {
        Set<Integer> alphabet = alphabet(corpus.characters());
        List<Fixed> fixed = layout.fixed();
        int wanted = vocabSize - fixed.size() - (LONGEST_RUN - 1) - alphabet.size();
        if (wanted < 0) {
            throw new IllegalArgumentException("the text has " + alphabet.size()
                    + " different characters; a vocabulary of " + vocabSize + " has room for "
                    + (wanted + alphabet.size()) + ": ask for " + (vocabSize - wanted)
                    + " pieces or more, or a smaller character coverage");
        }
        List<String> merges = new BpeTrainer(corpus.stretches(), alphabet).merges(wanted);
        if (merges.size() < wanted) {
            throw new IllegalArgumentException("the text gives " + (vocabSize - wanted + merges.size())
                    + " pieces and no more; give more text, or ask for at most so many, got " + vocabSize);
        }
        List<String> all = phrases.among(merges, some -> vocabulary(fixed, some, alphabet, false));
        requireText(all, fixed);
        return vocabulary(fixed, all, alphabet, true);
    }

    /// Text that becomes the same piece as a mark of the chat would be one, in programs that look pieces
    /// up by spelling.
    private void requireText(List<String> merges, List<Fixed> fixed) {
        Set<String> marks = fixed.stream().map(Fixed::text).collect(Collectors.toSet());
        merges.stream().filter(marks::contains).findFirst().ifPresent(mark -> {
            throw new IllegalArgumentException("the phrases make a piece " + mark + " of text, which layout " + layout
                    + " has as a mark that text must never become; leave it out of them");
        });
    }

    /// The characters that get pieces, the commonest first: as many as cover the corpus, and the space in any case.
    private Set<Integer> alphabet(Map<Integer, Long> counts) {
        long total = counts.values().stream().mapToLong(Long::longValue).sum();
        Set<Integer> alphabet = new LinkedHashSet<>();
        alphabet.add((int) Corpus.SPACE);
        List<Map.Entry<Integer, Long>> commonest = counts.entrySet().stream()
                .sorted(Map.Entry.<Integer, Long>comparingByValue()
                        .reversed()
                        .thenComparing(Map.Entry.comparingByKey(Comparator.naturalOrder())))
                .toList();
        long covered = 0;
        for (Map.Entry<Integer, Long> entry : commonest) {
            if (covered >= coverage * total) {
                break;
            }
            covered += entry.getValue();
            alphabet.add(entry.getKey());
        }
        return alphabet;
    }

    private static Vocabulary vocabulary(
            List<Fixed> fixed, List<String> merges, Set<Integer> alphabet, boolean addSpacePrefix) {
        int size = fixed.size() + LONGEST_RUN - 1 + merges.size() + alphabet.size();
        String[] tokens = new String[size];
        float[] scores = new float[size];
        int[] types = new int[size];
        int id = 0;
        for (Fixed piece : fixed) {
            tokens[id] = piece.text();
            types[id++] = piece.type().code();
        }
        int firstText = id;
        for (int run = 2; run <= LONGEST_RUN; run++) {
            tokens[id++] = String.valueOf(Corpus.SPACE).repeat(run);
        }
        for (String merge : merges) {
            tokens[id++] = merge;
        }
        for (int character : alphabet) {
            tokens[id++] = Character.toString(character);
        }
        for (id = firstText; id < size; id++) {
            boolean spaces = tokens[id].chars().allMatch(c -> c == Corpus.SPACE);
            scores[id] = spaces ? SPACES_SCORE : firstText + LONGEST_RUN - 1 - id;
            types[id] = PieceType.NORMAL.code();
        }
        return Vocabulary.ofGguf("trained tokenizer", tokens, scores, types, 1, 2, 0, addSpacePrefix);
    }
}
