package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/// Names that nobody has, for a model to copy: it has nowhere else to take them from.
///
/// Some are put together from syllables. Most are made letter by letter, each one that follows the last in
/// some listed name or word of the five languages, now and then any. A name of syllables has few of the
/// vocabulary's pieces; a model that never copied the others writes `Liverpoon` when it is asked about Liverpool.
final class MadeUp {
    private static final String[] ONSETS = {
        "b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "b", "d", "l", "m", "n",
        "r", "s", "t", "br", "gr", "st", "tr", "sh", "th"
    };
    private static final String[] VOWELS = {"a", "e", "i", "o", "u", "a", "e", "i", "o", "a", "ei", "ia"};
    private static final String[] CODAS = {"", "", "", "n", "r", "l", "s", "m", "nd", "rt", "k", "x"};

    private static final double OF_SYLLABLES = 0.35;

    private static final char END = ' ';
    private static final int SHORTEST = 3;
    private static final int LONGEST = 11;
    private static final double AFTER_TWO = 0.5;
    private static final double ANY_LETTER = 0.06;
    /// What follows one letter or two, as often as it does; [#END] stands before and after each word.
    private static final Map<String, List<Character>> FOLLOWERS = followers();

    private MadeUp() {}

    /// A name of that side.
    /// @param ending its last letters; may be empty
    static String name(Dice dice, Split split, String ending) {
        while (true) {
            String name =
                    Words.capitalized(dice.chance(OF_SYLLABLES) ? syllables(dice, ending) : letters(dice) + ending);
            if (Split.of(name, Words.PERIOD) == split && !Decency.offends(name)) {
                return name;
            }
        }
    }

    /// Two or three syllables.
    private static String syllables(Dice dice, String ending) {
        StringBuilder name = new StringBuilder();
        int syllables = dice.between(1, 2);
        for (int i = 0; i < syllables; i++) {
            name.append(dice.of(ONSETS)).append(dice.of(VOWELS));
        }
        return name.append(dice.of(ONSETS))
                .append(ending.isEmpty() ? dice.of(VOWELS) + dice.of(CODAS) : ending)
                .toString();
    }

    private static String letters(Dice dice) {
        while (true) {
            StringBuilder word = new StringBuilder().append(END);
            do {
                word.append(next(dice, word));
            } while (word.charAt(word.length() - 1) != END && word.length() <= LONGEST + 1);
            String name = word.toString().strip();
            if (name.length() >= SHORTEST && name.length() <= LONGEST) {
                return name;
            }
        }
    }

    private static char next(Dice dice, StringBuilder word) {
        if (dice.chance(ANY_LETTER)) {
            return (char) ('a' + dice.between(0, 25));
        }
        String one = word.substring(word.length() - 1);
        String two = word.substring(Math.max(0, word.length() - 2));
        List<Character> followers = FOLLOWERS.getOrDefault(dice.chance(AFTER_TWO) ? two : one, List.of());
        return followers.isEmpty() ? END : dice.of(followers);
    }

    private static Map<String, List<Character>> followers() {
        Vocabulary languages = Vocabulary.read("translation.txt");
        Stream<String> words = Stream.of("words", "phrases")
                .flatMap(heading -> languages.lines(heading).stream())
                .flatMap(line -> Stream.of(line.split("[^\\p{L}]+")));
        Map<String, List<Character>> followers = new HashMap<>();
        for (String text : Stream.concat(Words.trainedNames().stream(), words).toList()) {
            String word = END + text.toLowerCase(Locale.ROOT) + END;
            for (int i = 1; i < word.length(); i++) {
                for (int from = Math.max(0, i - 2); from < i; from++) {
                    followers
                            .computeIfAbsent(word.substring(from, i), _ -> new ArrayList<>())
                            .add(word.charAt(i));
                }
            }
        }
        return followers;
    }
}
