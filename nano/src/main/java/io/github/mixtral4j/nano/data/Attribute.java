package io.github.mixtral4j.nano.data;

import java.util.List;

/// What can be told of a country, and the sentences and questions of `facts.txt` for it.
enum Attribute {
    CAPITAL,
    REGION,
    LANGUAGE,
    CURRENCY,
    HIGHEST,
    HEIGHT,
    POPULATION,
    AREA,
    NEIGHBOURS,
    INTERNET,
    COAST,
    INDEPENDENCE;

    private static final Vocabulary TEXTS = Vocabulary.read("facts.txt");

    private List<String> lines(char mark) {
        return TEXTS.lines(name()).stream()
                .filter(line -> line.charAt(0) == mark)
                .map(line -> line.substring(2))
                .toList();
    }

    /// The sentence that answers a question.
    String answer(String country, String value) {
        return fill(lines('!').getFirst(), country, value);
    }

    /// A sentence for a text.
    String sentence(Dice dice, String country, String value) {
        return fill(dice.of(lines('!')), country, value);
    }

    /// A question.
    String question(Dice dice, String country) {
        return fill(dice.of(lines('?')), country, "");
    }

    private static String fill(String template, String country, String value) {
        return Words.capitalized(template.replace("{c}", country)
                .replace("{C}", Words.capitalized(country))
                .replace("{v}", value));
    }
}
