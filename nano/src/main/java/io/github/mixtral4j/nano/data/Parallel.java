package io.github.mixtral4j.nano.data;

import static io.github.mixtral4j.nano.data.Words.capitalized;

import java.util.List;
import java.util.Set;

/// One sentence in the five languages, put together from the tables of `translation.txt`, so that every part agrees in
/// gender and case. Order of the languages: that of [Language].
///
/// @param sentences one per language
record Parallel(List<String> sentences) {
    private static final Vocabulary TABLES = Vocabulary.read("translation.txt");
    private static final List<List<String>> THINGS = TABLES.rows("things");
    private static final List<List<String>> LIVING = TABLES.rows("living");
    private static final List<List<String>> THING_QUALITIES = TABLES.rows("qualities of things");
    private static final List<List<String>> LIVING_QUALITIES = TABLES.rows("qualities of the living");
    private static final List<List<String>> PLACES = TABLES.rows("places");
    private static final List<List<String>> DOING = TABLES.rows("doing");

    /// Spanish puts `a` before people whom somebody sees or looks for.
    private static final Set<String> PEOPLE =
            Set.of("el niño", "la mujer", "el hombre", "la niña", "la profesora", "el amigo");

    Parallel {
        sentences = List.copyOf(sentences);
    }

    private static Parallel of(String en, String fr, String de, String es, String it) {
        return new Parallel(List.of(en, fr, de, es, it));
    }

    String in(Language language) {
        return sentences.get(language.ordinal());
    }

    /// A noun with its articles.
    private record Noun(List<String> cells, boolean living) {
        static Noun roll(Dice dice) {
            boolean living = dice.chance(0.4);
            return new Noun(dice.of(living ? LIVING : THINGS), living);
        }

        String en() {
            return "the " + cells.getFirst();
        }

        String enIndefinite() {
            return Words.article(cells.getFirst()) + " " + cells.getFirst();
        }

        String fr() {
            return cells.get(1);
        }

        String frIndefinite() {
            return cells.get(2);
        }

        String de() {
            return cells.get(3);
        }

        /// The accusative, which differs from the nominative for masculine nouns only.
        String deObject() {
            return de().startsWith("der ") ? "den " + de().substring(4) : de();
        }

        String deIndefiniteObject() {
            String noun = de().substring(4);
            return switch (de().substring(0, 3)) {
                case "der" -> "einen " + noun;
                case "die" -> "eine " + noun;
                default -> "ein " + noun;
            };
        }

        String es() {
            return cells.get(4);
        }

        String esObject() {
            if (!PEOPLE.contains(es())) {
                return es();
            }
            return es().startsWith("el ") ? "al " + es().substring(3) : "a " + es();
        }

        String esIndefinite() {
            return es().startsWith("el ") ? "un " + es().substring(3) : "una " + es().substring(3);
        }

        String it() {
            return cells.get(5);
        }

        String itIndefinite() {
            return cells.get(6);
        }

        boolean frFeminine() {
            return frIndefinite().startsWith("une ");
        }

        boolean esFeminine() {
            return es().startsWith("la ");
        }

        boolean itFeminine() {
            return itIndefinite().startsWith("una ") || itIndefinite().startsWith("un'");
        }
    }

    /// A fixed phrase.
    static Parallel phrase(Dice dice) {
        return new Parallel(dice.of(TABLES.rows("phrases")));
    }

    /// A single word.
    static Parallel word(Dice dice) {
        return new Parallel(dice.of(TABLES.rows("words")));
    }

    /// A sentence about things, people and places.
    static Parallel sentence(Dice dice, Split split) {
        return switch (dice.between(0, 13)) {
            case 0, 1, 2 -> quality(dice);
            case 3 -> place(dice);
            case 4 -> where(dice);
            case 5 -> see(dice);
            case 6 -> have(dice);
            case 7 -> lookFor(dice, split);
            case 8 -> together(dice);
            case 9 -> age(dice, split);
            case 10 -> day(dice, split);
            case 11 -> several(dice);
            case 12 -> train(dice);
            default -> doing(dice);
        };
    }

    private static Parallel quality(Dice dice) {
        Noun noun = Noun.roll(dice);
        List<String> quality = dice.of(noun.living() ? LIVING_QUALITIES : THING_QUALITIES);
        return of(
                capitalized(noun.en()) + " is " + quality.getFirst() + ".",
                capitalized(noun.fr()) + " est " + quality.get(noun.frFeminine() ? 2 : 1) + ".",
                capitalized(noun.de()) + " ist " + quality.get(3) + ".",
                capitalized(noun.es()) + " " + quality.get(6) + " " + quality.get(noun.esFeminine() ? 5 : 4) + ".",
                capitalized(noun.it()) + " è " + quality.get(noun.itFeminine() ? 8 : 7) + ".");
    }

    private static Parallel place(Dice dice) {
        Noun noun = Noun.roll(dice);
        List<String> place = dice.of(PLACES);
        return of(
                capitalized(noun.en()) + " is " + place.getFirst() + ".",
                capitalized(noun.fr()) + " est " + place.get(1) + ".",
                capitalized(noun.de()) + " ist " + place.get(2) + ".",
                capitalized(noun.es()) + " está " + place.get(3) + ".",
                capitalized(noun.it()) + " è " + place.get(4) + ".");
    }

    private static Parallel where(Dice dice) {
        Noun noun = Noun.roll(dice);
        return of(
                "Where is " + noun.en() + "?",
                "Où est " + noun.fr() + " ?",
                "Wo ist " + noun.de() + "?",
                "¿Dónde está " + noun.es() + "?",
                "Dov'è " + noun.it() + "?");
    }

    private static Parallel see(Dice dice) {
        Noun noun = Noun.roll(dice);
        return of(
                "I see " + noun.en() + ".",
                "Je vois " + noun.fr() + ".",
                "Ich sehe " + noun.deObject() + ".",
                "Veo " + noun.esObject() + ".",
                "Vedo " + noun.it() + ".");
    }

    private static Parallel have(Dice dice) {
        Noun one = new Noun(dice.of(dice.chance(0.3) ? LIVING.subList(0, 4) : THINGS), false);
        return of(
                "I have " + one.enIndefinite() + ".",
                "J'ai " + one.frIndefinite() + ".",
                "Ich habe " + one.deIndefiniteObject() + ".",
                "Tengo " + one.esIndefinite() + ".",
                "Ho " + one.itIndefinite() + ".");
    }

    private static Parallel lookFor(Dice dice, Split split) {
        Noun noun = Noun.roll(dice);
        String name = Words.person(dice, split).name();
        return of(
                name + " is looking for " + noun.en() + ".",
                name + " cherche " + noun.fr() + ".",
                name + " sucht " + noun.deObject() + ".",
                name + " busca " + noun.esObject() + ".",
                name + " cerca " + noun.it() + ".");
    }

    private static Parallel together(Dice dice) {
        Noun one = Noun.roll(dice);
        Noun other = Noun.roll(dice);
        while (other.cells().equals(one.cells())) {
            other = Noun.roll(dice);
        }
        List<String> place = dice.of(PLACES);
        return of(
                capitalized(one.en()) + " and " + other.en() + " are " + place.getFirst() + ".",
                capitalized(one.fr()) + " et " + other.fr() + " sont " + place.get(1) + ".",
                capitalized(one.de()) + " und " + other.de() + " sind " + place.get(2) + ".",
                capitalized(one.es()) + " y " + other.es() + " están " + place.get(3) + ".",
                capitalized(one.it()) + " e " + other.it() + " sono " + place.get(4) + ".");
    }

    private static Parallel age(Dice dice, Split split) {
        String name = Words.person(dice, split).name();
        int years = dice.between(18, 79);
        return of(
                "My name is " + name + " and I am " + years + " years old.",
                "Je m'appelle " + name + " et j'ai " + years + " ans.",
                "Ich heiße " + name + " und bin " + years + " Jahre alt.",
                "Me llamo " + name + " y tengo " + years + " años.",
                "Mi chiamo " + name + " e ho " + years + " anni.");
    }

    private static Parallel day(Dice dice, Split split) {
        List<String> day = dice.of(TABLES.rows("days"));
        List<String> place = dice.of(PLACES);
        String name = Words.person(dice, split).name();
        return of(
                day.getFirst() + " " + name + " is " + place.getFirst() + ".",
                day.get(1) + ", " + name + " est " + place.get(1) + ".",
                day.get(2) + " ist " + name + " " + place.get(2) + ".",
                day.get(3) + " " + name + " está " + place.get(3) + ".",
                day.get(4) + " " + name + " è " + place.get(4) + ".");
    }

    private static Parallel several(Dice dice) {
        List<String> number = dice.of(TABLES.rows("numbers"));
        List<String> things = dice.of(TABLES.rows("several"));
        return of(
                "I would like " + number.getFirst() + " " + things.getFirst() + ".",
                "Je voudrais " + number.get(1) + " " + things.get(1) + ".",
                "Ich möchte " + number.get(2) + " " + things.get(2) + ".",
                "Quisiera " + number.get(3) + " " + things.get(3) + ".",
                "Vorrei " + number.get(4) + " " + things.get(4) + ".");
    }

    private static Parallel train(Dice dice) {
        String time = Words.time(dice);
        return of(
                "The train leaves at " + time + ".",
                "Le train part à " + time + ".",
                "Der Zug fährt um " + time + " ab.",
                "El tren sale a las " + time + ".",
                "Il treno parte alle " + time + ".");
    }

    private static Parallel doing(Dice dice) {
        List<String> verb = dice.of(DOING);
        List<String> when = dice.of(TABLES.rows("when"));
        return switch (dice.between(0, 3)) {
            case 0 ->
                of(
                        "I like to " + verb.getFirst() + ".",
                        "J'aime " + verb.get(1) + ".",
                        "Ich " + verb.get(2) + " gern.",
                        "Me gusta " + verb.get(4) + ".",
                        "Mi piace " + verb.get(5) + ".");
            case 1 ->
                of(
                        "I want to " + verb.getFirst() + " " + when.getFirst() + ".",
                        "Je veux " + verb.get(1) + " " + when.get(1) + ".",
                        "Ich möchte " + when.get(2) + " " + verb.get(3) + ".",
                        "Quiero " + verb.get(4) + " " + when.get(3) + ".",
                        "Voglio " + verb.get(5) + " " + when.get(4) + ".");
            case 2 ->
                of(
                        "We want to " + verb.getFirst() + " " + when.getFirst() + ".",
                        "Nous voulons " + verb.get(1) + " " + when.get(1) + ".",
                        "Wir möchten " + when.get(2) + " " + verb.get(3) + ".",
                        "Queremos " + verb.get(4) + " " + when.get(3) + ".",
                        "Vogliamo " + verb.get(5) + " " + when.get(4) + ".");
            default ->
                of(
                        "I cannot " + verb.getFirst() + " " + when.getFirst() + ".",
                        "Je ne peux pas " + verb.get(1) + " " + when.get(1) + ".",
                        "Ich kann " + when.get(2) + " nicht " + verb.get(3) + ".",
                        "No puedo " + verb.get(4) + " " + when.get(3) + ".",
                        "Non posso " + verb.get(5) + " " + when.get(4) + ".");
        };
    }
}
