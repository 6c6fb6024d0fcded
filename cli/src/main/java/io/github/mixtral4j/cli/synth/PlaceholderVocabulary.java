package io.github.mixtral4j.cli.synth;

import io.github.mixtral4j.tokenizer.PieceType;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// A vocabulary of made-up syllables for checkpoints that get no tokenizer: the special pieces of the real one, all
/// bytes and ASCII characters, so that any text can be encoded, and words that look like none.
final class PlaceholderVocabulary {
    /// Control pieces of the v3 vocabulary, from id 3 on.
    private static final List<String> V3_CONTROLS = List.of(
            "[INST]",
            "[/INST]",
            "[TOOL_CALLS]",
            "[AVAILABLE_TOOLS]",
            "[/AVAILABLE_TOOLS]",
            "[TOOL_RESULTS]",
            "[/TOOL_RESULTS]");

    private static final String CONSONANTS = "bdfghjklmnprstvz";
    private static final String VOWELS = "aeiou";

    private PlaceholderVocabulary() {}

    /// @param size number of pieces, at least 400
    /// @param v3 with the control pieces of the v3 vocabulary
    static Vocabulary of(int size, boolean v3) {
        List<String> tokens = new ArrayList<>(size);
        int[] types = new int[size];
        Arrays.fill(types, PieceType.NORMAL.code());
        types[0] = PieceType.UNKNOWN.code();
        tokens.addAll(List.of("<unk>", "<s>", "</s>"));
        tokens.addAll(v3 ? V3_CONTROLS : List.of());
        Arrays.fill(types, 1, tokens.size(), PieceType.CONTROL.code());
        Arrays.fill(types, tokens.size(), tokens.size() + 256, PieceType.BYTE.code());
        for (int value = 0; value < 256; value++) {
            tokens.add(String.format(Locale.ROOT, "<0x%02X>", value));
        }
        int firstText = tokens.size();
        tokens.add("▁");
        for (char c = '!'; c <= '~'; c++) {
            tokens.add(String.valueOf(c));
        }
        int firstWord = tokens.size();
        float[] scores = new float[size];
        for (int id = firstText; id < size; id++) {
            scores[id] = firstText - id;
        }
        while (tokens.size() < size) {
            tokens.add(word(tokens.size() - firstWord));
        }
        return Vocabulary.ofGguf("placeholder", tokens.toArray(String[]::new), scores, types, 1, 2, 0, true);
    }

    /// Word `n`: its digits to the base of all syllables, one syllable each, with a space in front.
    private static String word(int n) {
        int syllables = CONSONANTS.length() * VOWELS.length();
        StringBuilder word = new StringBuilder();
        for (int rest = n; rest >= 0; rest = rest / syllables - 1) {
            int syllable = rest % syllables;
            word.append(CONSONANTS.charAt(syllable / VOWELS.length()))
                    .append(VOWELS.charAt(syllable % VOWELS.length()));
        }
        return "▁" + word;
    }
}
