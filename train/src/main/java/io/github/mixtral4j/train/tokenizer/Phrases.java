package io.github.mixtral4j.train.tokenizer;

import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/// Texts that are to be a single piece although they cross words and scripts, such as the frame of a function's
/// definition, which is the same every time.
///
/// They become pieces by merges behind all learned ones: `":▁"` of `":` and `▁"`. A piece that is only
/// declared (SentencePiece's user-defined symbols) would be cut out before everything else, and then
/// programs differ in whether the text behind it begins with a space. These merges come last, so where a
/// phrase does not stand as a whole, its text has the pieces that it would have without, or runs of those.
final class Phrases {
    /// Far above what is said again and again; a tokenizer merges up to 512.
    private static final int MAX_LENGTH = 256;

    private final List<String> phrases;

    private Phrases(List<String> phrases) {
        phrases.stream()
                .filter(phrase -> phrase.length() > MAX_LENGTH)
                .findFirst()
                .ifPresent(phrase -> {
                    throw new IllegalArgumentException("a phrase has at most " + MAX_LENGTH + " characters, got "
                            + phrase.length() + ": " + phrase.substring(0, 40) + "…");
                });
        this.phrases = phrases;
    }

    /// Those of a file: one a line, `▁` for a space; empty lines say nothing.
    ///
    /// @throws IOException if it cannot be read or is not UTF-8
    static Phrases read(Path file) throws IOException {
        try {
            return of(Files.readAllLines(file));
        } catch (CharacterCodingException e) {
            throw new IOException(file + ": expected text in UTF-8, found other bytes", e);
        }
    }

    /// In this order: what an earlier phrase joined, a later one finds joined. Empty ones say nothing.
    ///
    /// @throws IllegalArgumentException if one is too long
    static Phrases of(List<String> phrases) {
        return new Phrases(phrases.stream()
                .filter(phrase -> !phrase.isEmpty())
                .map(phrase -> phrase.replace(' ', Corpus.SPACE))
                .toList());
    }

    /// As many merges as were learned: the best of those, then what the phrases need.
    ///
    /// @param learned the best first
    /// @param vocabulary of these merges and a single piece for each character, without a space before each text
    /// @throws IllegalArgumentException if a phrase cannot be made, or all phrases need more merges than there are
    List<String> among(List<String> learned, Function<List<String>, Vocabulary> vocabulary) {
        int kept = learned.size();
        while (kept >= 0) {
            Set<String> merges = new LinkedHashSet<>(learned.subList(0, kept));
            for (String phrase : phrases) {
                join(phrase, merges, vocabulary);
                // More than all the room there is. A book given for a list of phrases ends here, not hours later.
                if (merges.size() - kept > learned.size()) {
                    throw noRoom(learned.size());
                }
            }
            int over = merges.size() - learned.size();
            if (over <= 0) {
                // With fewer merges before them phrases may need fewer of their own; learned ones take what is left.
                learned.stream().takeWhile(_ -> merges.size() < learned.size()).forEach(merges::add);
                return List.copyOf(merges);
            }
            kept -= over;
        }
        throw noRoom(learned.size());
    }

    private static IllegalArgumentException noRoom(int pieces) {
        return new IllegalArgumentException("the phrases need more than the " + pieces
                + " pieces that this vocabulary has room for; ask for more pieces or fewer phrases");
    }

    /// Joins the phrase's first two pieces until it has one.
    private static void join(String phrase, Set<String> merges, Function<List<String>, Vocabulary> vocabulary) {
        while (true) {
            Tokenizer tokenizer = Tokenizer.of(vocabulary.apply(List.copyOf(merges)));
            int[] ids = tokenizer.encode(phrase);
            if (ids.length == 1) {
                return;
            }
            String joined = tokenizer.piece(ids[0]) + tokenizer.piece(ids[1]);
            if (!phrase.startsWith(joined)) {
                throw new IllegalArgumentException("the phrase " + phrase
                        + " has a character that got no piece of its own; the text has too little of it");
            }
            merges.add(joined);
        }
    }
}
