package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// Names, things and figures to fill samples with. About half of the names are made up: a model that has seen some
/// hundred names learns them by heart, one that meets a new name in every other sample has to copy.
final class Words {
    /// One in this many names is held out, listed or made up: a listed one may be made up again.
    static final int PERIOD = 8;

    private static final Vocabulary LISTS = Vocabulary.read("words.txt");
    private static final Sides WOMEN = Sides.of("women");
    private static final Sides MEN = Sides.of("men");
    private static final Sides FAMILIES = Sides.of("family names");
    private static final Sides CITIES = Sides.of("cities");

    private Words() {}

    /// A list in its two sides.
    private record Sides(List<String> trained, List<String> heldOut) {
        static Sides of(String heading) {
            List<String> all = LISTS.words(heading);
            return new Sides(Split.TRAIN.of(all, PERIOD), Split.HELD_OUT.of(all, PERIOD));
        }

        List<String> on(Split split) {
            return split == Split.TRAIN ? trained : heldOut;
        }
    }

    /// Somebody, with the pronouns that stories need.
    record Person(String name, String subject, String object, String possessive) {
        /// The subject at the beginning of a sentence.
        String sentenceSubject() {
            return capitalized(subject);
        }
    }

    /// A list of `words.txt`.
    static List<String> list(String heading) {
        return LISTS.words(heading);
    }

    /// A woman or a man of that side.
    static Person person(Dice dice, Split split) {
        boolean woman = dice.chance(0.5);
        String name = dice.chance(0.5)
                ? dice.of((woman ? WOMEN : MEN).on(split))
                : MadeUp.name(dice, split, woman ? "a" : "o");
        return woman ? new Person(name, "she", "her", "her") : new Person(name, "he", "him", "his");
    }

    /// `count` people with different names.
    static List<Person> people(Dice dice, Split split, int count) {
        List<Person> people = new ArrayList<>();
        while (people.size() < count) {
            Person next = person(dice, split);
            if (people.stream().noneMatch(p -> p.name().equals(next.name()))) {
                people.add(next);
            }
        }
        return List.copyOf(people);
    }

    /// A first name and a family name.
    static String fullName(Dice dice, Split split) {
        String family = dice.chance(0.5) ? dice.of(FAMILIES.on(split)) : MadeUp.name(dice, split, "");
        return person(dice, split).name() + " " + family;
    }

    /// A city, real or not.
    static String city(Dice dice, Split split) {
        return dice.chance(0.5) ? dice.of(CITIES.on(split)) : MadeUp.name(dice, split, "");
    }

    /// The names that are trained on, of people and places.
    static List<String> trainedNames() {
        return Stream.of(WOMEN, MEN, FAMILIES, CITIES)
                .flatMap(sides -> sides.trained().stream())
                .toList();
    }

    /// `count` different words: plain ones, and names that nobody has, some of them without a capital.
    static List<String> several(Dice dice, Split split, int count) {
        List<String> words = new ArrayList<>();
        while (words.size() < count) {
            String word = dice.chance(0.3) ? dice.of(list("words")) : MadeUp.name(dice, split, "");
            word = dice.chance(0.3) ? word.toLowerCase(Locale.ROOT) : word;
            if (!words.contains(word)) {
                words.add(word);
            }
        }
        return words;
    }

    /// The text with a capital at the beginning.
    static String capitalized(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    /// `a` or `an`, by the word's first letter; for the words of `words.txt`, where that rule holds.
    static String article(String word) {
        return "aeiou".indexOf(word.charAt(0)) >= 0 ? "an" : "a";
    }

    /// A title such as `The Silent Harbour`, on that side.
    static String bookTitle(Dice dice, Split split) {
        while (true) {
            String noun = dice.of(LISTS.words("book nouns"));
            String adjective = dice.of(LISTS.words("book adjectives"));
            String title = switch (dice.between(0, 2)) {
                case 0 -> "The " + adjective + " " + noun;
                case 1 -> adjective + " " + noun;
                default -> "The " + noun + " of " + MadeUp.name(dice, split, "");
            };
            if (Split.of(title, PERIOD) == split) {
                return title;
            }
        }
    }

    /// A time of day such as `7:30`.
    static String time(Dice dice) {
        return dice.between(6, 22) + ":"
                + dice.of("00", "05", "10", "15", "20", "25", "30", "35", "40", "45", "50", "55");
    }

    /// A day of the year such as `4 May`.
    static String date(Dice dice) {
        return dice.between(1, 28) + " " + dice.of(LISTS.words("months"));
    }
}
