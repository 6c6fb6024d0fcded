package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/// Names that nobody has, for a model to copy: it has nowhere else to take them from.
///
/// Some are put together from syllables, some from the beginning of one word and the end of another. The others are
/// made letter by letter, each one that follows the last in some listed name or word of the five languages, now and
/// then any. A model that has never copied a piece of the vocabulary does not copy it: after names of syllables alone
/// it writes `Liverpoon` for Liverpool; without ends of words `Calend` for Cairo, whose `airo` no other name has.
final class MadeUp {
    private static final String[] ONSETS = {
        "b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "b", "d", "l", "m", "n",
        "r", "s", "t", "br", "gr", "st", "tr", "sh", "th"
    };
    private static final String[] VOWELS = {"a", "e", "i", "o", "u", "a", "e", "i", "o", "a", "ei", "ia"};
    private static final String[] CODAS = {"", "", "", "n", "r", "l", "s", "m", "nd", "rt", "k", "x"};

    private static final double OF_SYLLABLES = 0.2;
    private static final double OF_TWO_WORDS = 0.3;

    private static final char END = ' ';
    private static final int SHORTEST = 3;
    private static final int LONGEST = 11;
    private static final double AFTER_TWO = 0.5;
    private static final double ANY_LETTER = 0.06;
    /// Listed names and words of the five languages, each once, without capitals.
    private static final List<String> WORDS = words();
    /// What follows one letter or two, as often as it does; [#END] stands before and after each word.
    private static final Map<String, List<Character>> FOLLOWERS = followers();

    private MadeUp() {}

    /// A name of that side.
    /// @param ending its last letters; may be empty
    static String name(Dice dice, Split split, String ending) {
        while (true) {
            double way = dice.nextDouble();
            String name = Words.capitalized(
                    way < OF_SYLLABLES
                            ? syllables(dice, ending)
                            : (way < OF_SYLLABLES + OF_TWO_WORDS ? twoWords(dice) : letters(dice)) + ending);
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

    /// The beginning of a word and the end of another, cut anywhere.
    private static String twoWords(Dice dice) {
        while (true) {
            String first = dice.of(WORDS);
            String second = dice.of(WORDS);
            String name = first.substring(0, dice.between(1, first.length() - 1))
                    + second.substring(dice.between(1, second.length() - 1));
            if (fits(name)) {
                return name;
            }
        }
    }

    private static boolean fits(String name) {
        return name.length() >= SHORTEST && name.length() <= LONGEST;
    }

    private static String letters(Dice dice) {
        while (true) {
            StringBuilder word = new StringBuilder().append(END);
            do {
                word.append(next(dice, word));
            } while (word.charAt(word.length() - 1) != END && word.length() <= LONGEST + 1);
            String name = word.toString().strip();
            if (fits(name)) {
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

    private static List<String> words() {
        Vocabulary languages = Vocabulary.read("translation.txt");
        Stream<String> lines = Stream.of(
                        languages.lines("words"),
                        languages.lines("phrases"),
                        Vocabulary.read("facts.txt").lines("capitals"))
                .flatMap(List::stream);
        return Stream.concat(Words.trainedNames().stream(), lines)
                .flatMap(line -> Stream.of(line.toLowerCase(Locale.ROOT).split("[^\\p{L}]+")))
                .filter(word -> word.length() > 1)
                .distinct()
                .toList();
    }

    private static Map<String, List<Character>> followers() {
        Map<String, List<Character>> followers = new HashMap<>();
        for (String text : WORDS) {
            String word = END + text + END;
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
