package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.List;

/// Questions that a given text answers, or does not: then the reply says so. Texts tell of countries (real ones, and
/// invented ones, of which nothing can be remembered) and of people, the latter in five languages.
///
/// Held out: countries with all that is known of them, and names.
final class Reading implements SampleSource {
    private static final Vocabulary TEXTS = Vocabulary.read("reading.txt");
    private static final List<String> RELATIONS =
            TEXTS.headings().stream().filter(h -> h.matches("[A-Z]+")).toList();

    private final List<Country> countries;

    Reading(List<Country> countries) {
        this.countries = countries;
    }

    @Override
    public Sample next(Dice dice, Split split) {
        double kind = dice.nextDouble();
        if (kind < 0.3) {
            List<Country> side =
                    countries.stream().filter(c -> c.split() == split).toList();
            return country("reading", dice, dice.of(side));
        }
        return kind < 0.6 ? country("reading.invented", dice, Country.invented(dice, split)) : people(dice, split);
    }

    /// Sides are kept apart by what the texts tell of, so that every sample belongs to its side.
    @Override
    public Sample draw(Dice dice, Split split) {
        return next(dice, split);
    }

    private static Sample country(String kind, Dice dice, Country country) {
        List<Attribute> known = new ArrayList<>(dice.shuffled(country.known()));
        // A text that gives the height answers "What is the highest point?" in part; one of the two is enough.
        known.remove(dice.of(Attribute.HIGHEST, Attribute.HEIGHT));
        int told = Math.min(dice.between(2, 5), known.size() - 1);
        List<String> sentences = new ArrayList<>();
        for (Attribute attribute : known.subList(0, told)) {
            sentences.add(
                    attribute.sentence(dice, country.name(), country.facts().getOrDefault(attribute, "")));
        }
        boolean answered = dice.chance(0.7);
        Attribute asked = answered ? dice.of(known.subList(0, told)) : known.get(told);
        return sample(
                kind,
                dice,
                Language.EN,
                String.join(" ", sentences),
                asked.question(dice, country.name()),
                answered,
                country.facts().getOrDefault(asked, ""),
                country.facts().getOrDefault(known.getFirst(), ""));
    }

    private static Sample people(Dice dice, Split split) {
        Language language = dice.of(Language.values());
        List<String> names = Words.people(dice, split, dice.between(1, 3)).stream()
                .map(Words.Person::name)
                .toList();
        List<String> sentences = new ArrayList<>();
        List<Told> facts = new ArrayList<>();
        for (String name : names) {
            for (String relation : dice.distinct(RELATIONS, dice.between(1, names.size() == 1 ? 4 : 2))) {
                Told fact = new Told(name, relation, value(dice, split, language, relation));
                facts.add(fact);
                sentences.add(fact.say(language, 0));
            }
        }
        boolean answered = dice.chance(0.7);
        Told asked = answered ? dice.of(facts) : untold(dice, names, facts);
        return sample(
                "reading.people",
                dice,
                language,
                String.join(" ", dice.chance(0.5) ? sentences : dice.shuffled(sentences)),
                asked.say(language, 1),
                answered,
                asked.value(),
                facts.getFirst().value());
    }

    /// A fact about a person.
    private record Told(String name, String relation, String value) {
        /// @param line 0 the sentence, 1 the question
        String say(Language language, int line) {
            String of = "AEIOUÉÈ".indexOf(name.charAt(0)) >= 0 ? "d'" + name : "de " + name;
            return TEXTS.rows(relation)
                    .get(line)
                    .get(language.ordinal())
                    .replace("{n}", name)
                    .replace("{dn}", of)
                    .replace("{v}", value);
        }
    }

    private static Told untold(Dice dice, List<String> names, List<Told> facts) {
        while (true) {
            Told question = new Told(dice.of(names), dice.of(RELATIONS), "");
            if (facts.stream()
                    .noneMatch(f ->
                            f.name().equals(question.name()) && f.relation().equals(question.relation()))) {
                return question;
            }
        }
    }

    private static String value(Dice dice, Split split, Language language, String relation) {
        return switch (relation) {
            // Real cities have other names in other languages.
            case "LIVES" -> language == Language.EN ? Words.city(dice, split) : Words.madeUp(dice, split, "");
            case "AGE" -> Integer.toString(dice.between(18, 88));
            case "ROOM" -> Integer.toString(dice.between(2, 99));
            case "ARRIVES" -> Words.time(dice);
            case "CHILDREN" -> Integer.toString(dice.between(2, 7));
            default -> Words.madeUp(dice, split, "o");
        };
    }

    /// @param wrong what the text says of something else
    private static Sample sample(
            String kind,
            Dice dice,
            Language language,
            String text,
            String question,
            boolean answered,
            String value,
            String wrong) {
        String prompt = dice.of(TEXTS.lines("layouts " + language.code()))
                .replace("\\n", "\n")
                .replace("{text}", text)
                .replace("{question}", question);
        String unknown = TEXTS.rows("not in the text").getFirst().get(language.ordinal());
        String reply = answered ? value + "." : unknown;
        Sample sample =
                Sample.of(answered ? kind : kind + ".absent", language, prompt, reply, new Expected.Text(reply));
        return sample.withRejected(answered ? unknown : wrong + ".");
    }
}
