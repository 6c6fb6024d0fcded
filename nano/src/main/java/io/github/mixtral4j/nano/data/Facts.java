package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Questions about countries that are answered from memory: all of them in English, capitals in five languages.
///
/// Held out: ways to ask. The fact itself is trained, in other words.
final class Facts implements SampleSource {
    /// How often each is asked for: what people ask first, most.
    private static final List<Attribute> ASKED = List.of(
            Attribute.CAPITAL,
            Attribute.CAPITAL,
            Attribute.CAPITAL,
            Attribute.CAPITAL,
            Attribute.REGION,
            Attribute.REGION,
            Attribute.LANGUAGE,
            Attribute.LANGUAGE,
            Attribute.CURRENCY,
            Attribute.HIGHEST,
            Attribute.POPULATION,
            Attribute.NEIGHBOURS,
            Attribute.INTERNET);

    private static final Vocabulary TEXTS = Vocabulary.read("facts.txt");

    private final List<Country> countries;

    /// @param countries those of the training side are asked for
    Facts(List<Country> countries) {
        this.countries =
                countries.stream().filter(c -> c.split() == Split.TRAIN).toList();
    }

    @Override
    public Sample next(Dice dice, Split split) {
        return dice.chance(0.3) ? capital(dice) : fact(dice, split);
    }

    private Sample fact(Dice dice, Split split) {
        Country country = dice.of(countries);
        Attribute attribute = askable(dice, country);
        String question = attribute.question(dice, country.name());
        String answer = attribute.answer(country.name(), country.facts().getOrDefault(attribute, ""));
        String key = question;
        List<Message> messages = new ArrayList<>();
        messages.add(new UserMessage(Typing.asTyped(dice, question)));
        messages.add(new AssistantMessage(answer));
        if (split == Split.TRAIN && dice.chance(0.15)) {
            Country next = dice.of(countries);
            Optional<String> value = next.fact(attribute);
            if (value.isPresent()) {
                key = "";
                messages.add(new UserMessage(dice.of("And ", "What about ") + next.name() + "?"));
                messages.add(new AssistantMessage(attribute.answer(next.name(), value.get())));
            }
        }
        String reply = ((AssistantMessage) messages.getLast()).content();
        return new Sample("facts", Language.EN, messages, List.of(), new Expected.Text(reply), key, Optional.empty());
    }

    private static Attribute askable(Dice dice, Country country) {
        Attribute attribute = dice.of(ASKED);
        while (country.fact(attribute).isEmpty()) {
            attribute = dice.of(ASKED);
        }
        return attribute;
    }

    private static Sample capital(Dice dice) {
        Language language = dice.of(Language.values());
        int l = language.ordinal();
        List<String> row = dice.of(TEXTS.rows("capitals"));
        String question = dice.of(TEXTS.rows("capital questions")).get(l).replace("{c}", row.get(l));
        String answer = TEXTS.rows("capital answers")
                .getFirst()
                .get(l)
                .replace("{c}", row.get(l))
                .replace("{v}", row.get(Language.values().length + l));
        return Sample.of("facts", language, question, answer, new Expected.Text(answer));
    }
}
