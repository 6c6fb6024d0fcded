package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Questions that a given text answers, or does not: then the reply says so. Texts tell of countries (real ones, and
/// invented ones, of which nothing can be remembered) and of people, the latter in five languages.
///
/// Held out: countries with all that is known of them, and names.
final class Reading implements SampleSource {
    private static final Vocabulary TEXTS = Vocabulary.read("reading.txt");
    /// Share of the questions that the text answers.
    private static final double ANSWERED = 0.75;
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
        List<Attribute> answers = dice.shuffled(known.subList(0, told));
        List<Attribute> untold = known.subList(told, known.size());
        int questions = Math.min(questions(dice), Math.min(answers.size(), untold.size()));
        List<Asked> asked = new ArrayList<>();
        for (int i = 0; i < questions; i++) {
            boolean answered = dice.chance(ANSWERED);
            Attribute attribute = (answered ? answers : untold).get(i);
            asked.add(new Asked(
                    attribute.question(dice, country.name()),
                    answered,
                    country.facts().getOrDefault(attribute, "")));
        }
        String other = country.facts().getOrDefault(known.getFirst(), "");
        return sample(kind, dice, Language.EN, String.join(" ", sentences), asked, other);
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
        List<Told> answers = dice.shuffled(facts);
        int questions = Math.min(questions(dice), facts.size());
        List<Told> known = new ArrayList<>(facts);
        List<Asked> asked = new ArrayList<>();
        for (int i = 0; i < questions; i++) {
            boolean answered = dice.chance(ANSWERED);
            Told fact = answered ? answers.get(i) : untold(dice, names, known);
            known.add(fact);
            asked.add(new Asked(fact.say(language, 1), answered, fact.value()));
        }
        String text = String.join(" ", dice.chance(0.5) ? sentences : dice.shuffled(sentences));
        return sample(
                "reading.people", dice, language, text, asked, facts.getFirst().value());
    }

    /// How many questions there are about a text.
    private static int questions(Dice dice) {
        return dice.between(1, 3);
    }

    /// A question about a text.
    ///
    /// @param answered whether the text answers it
    /// @param value the right answer, if it does
    private record Asked(String question, boolean answered, String value) {
        String reply(Language language) {
            return answered ? value + "." : unknown(language);
        }
    }

    private static String unknown(Language language) {
        return TEXTS.rows("not in the text").getFirst().get(language.ordinal());
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
            case "LIVES" -> language == Language.EN ? Words.city(dice, split) : MadeUp.name(dice, split, "");
            case "AGE" -> Integer.toString(dice.between(18, 88));
            case "ROOM" -> Integer.toString(dice.between(2, 99));
            case "ARRIVES" -> Words.time(dice);
            case "CHILDREN" -> Integer.toString(dice.between(2, 7));
            default -> MadeUp.name(dice, split, "o");
        };
    }

    /// A text and questions about it, one after the other; the last one is the sample's.
    ///
    /// @param other what the text says of something
    private static Sample sample(
            String kind, Dice dice, Language language, String text, List<Asked> asked, String other) {
        List<Message> messages = new ArrayList<>();
        for (Asked question : asked) {
            messages.add(
                    new UserMessage(messages.isEmpty() ? first(dice, language, text, question) : question.question()));
            messages.add(new AssistantMessage(question.reply(language)));
        }
        Asked last = asked.getLast();
        // What small models do instead: they find no answer, or one to another question.
        String wrong = last.answered() ? unknown(language) : other + ".";
        return new Sample(
                last.answered() ? kind : kind + ".absent",
                language,
                messages,
                List.of(),
                new Expected.Text(last.reply(language)),
                text + " " + last.question(),
                Optional.of(new AssistantMessage(wrong)));
    }

    private static String first(Dice dice, Language language, String text, Asked asked) {
        return dice.of(TEXTS.lines("layouts " + language.code()))
                .replace("{text}", text)
                .replace("{question}", asked.question());
    }
}
