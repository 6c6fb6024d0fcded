package io.github.mixtral4j.nano.data;

import java.util.List;

/// Short translations between any two of the five languages, asked for in one of the two or in English.
///
/// Held out: sentences, in all directions at once; their words are trained in other sentences.
final class Translation implements SampleSource {
    private static final Vocabulary TABLES = Vocabulary.read("translation.txt");
    private static final List<List<String>> NAMES = TABLES.rows("language names");

    @Override
    public Sample next(Dice dice, Split split) {
        List<Language> pair = dice.distinct(List.of(Language.values()), 2);
        Language from = pair.getFirst();
        Language to = pair.getLast();
        double kind = dice.nextDouble();
        // Phrases and words are few and are all trained; held-out samples are sentences.
        boolean whole = split == Split.HELD_OUT || kind < 0.7;
        Parallel text =
                whole ? Parallel.sentence(dice, split) : kind < 0.85 ? Parallel.phrase(dice) : Parallel.word(dice);
        Language asker = dice.of(from, to, Language.EN);
        String question = dice.of(TABLES.lines("asking " + asker.code()))
                .replace("{language}", NAMES.get(asker.ordinal()).get(to.ordinal()))
                .replace("{text}", text.in(from));
        Expected expected = new Expected.Text(text.in(to));
        Sample sample = Sample.of("translation", to, question, text.in(to), expected)
                .withKey(whole ? text.in(Language.EN) : "");
        return sample.withRejected(worse(dice, text, from, to));
    }

    /// What small models do instead: repeat the text, or answer in a third language.
    private static String worse(Dice dice, Parallel text, Language from, Language to) {
        if (dice.chance(0.5)) {
            return text.in(from);
        }
        List<Language> others = List.of(Language.values()).stream()
                .filter(l -> l != from && l != to)
                .toList();
        return text.in(dice.of(others));
    }
}
