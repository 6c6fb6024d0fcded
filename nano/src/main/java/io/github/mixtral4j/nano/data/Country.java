package io.github.mixtral4j.nano.data;

import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A country and what is known of it.
///
/// @param name as in a sentence: `the Netherlands`
/// @param split countries with fewer than 8 million people are held out in part; of a held-out country, training sees
///     nothing, neither in a sample nor in a corpus
/// @param facts values as they stand in a sentence; what is unknown is absent
record Country(String name, Split split, Map<Attribute, String> facts) {
    private static final int PERIOD = 4;
    private static final int ALWAYS_KNOWN = 8_000_000;

    Country {
        facts = Map.copyOf(facts);
    }

    /// The side of a real country.
    static Split splitOf(String name, long population) {
        return population >= ALWAYS_KNOWN ? Split.TRAIN : Split.of(name, PERIOD);
    }

    /// A country that is not on the map, so that what is said of it can only come from the text.
    static Country invented(Dice dice, Split split) {
        Map<Attribute, String> facts = new EnumMap<>(Attribute.class);
        facts.put(Attribute.CAPITAL, MadeUp.name(dice, split, ""));
        facts.put(
                Attribute.REGION,
                dice.of(
                        "Africa",
                        "Europe",
                        "South America",
                        "Central Asia",
                        "the Middle East",
                        "Oceania",
                        "South Asia"));
        facts.put(Attribute.LANGUAGE, MadeUp.name(dice, split, "") + dice.of("ish", "ese", "ian"));
        facts.put(Attribute.CURRENCY, MadeUp.name(dice, split, "").toLowerCase(Locale.ROOT) + "s");
        facts.put(Attribute.HIGHEST, dice.of("Mount ", "Monte ", "Pico ", "") + MadeUp.name(dice, split, ""));
        facts.put(Attribute.HEIGHT, thousands(dice.between(80, 6500)) + " m");
        facts.put(Attribute.POPULATION, people(dice.between(2, 900) * (dice.chance(0.5) ? 100_000L : 1_000L)));
        facts.put(Attribute.AREA, thousands(dice.between(300, 900_000)) + " square km");
        facts.put(Attribute.NEIGHBOURS, listed(List.of(MadeUp.name(dice, split, "ia"), MadeUp.name(dice, split, "a"))));
        facts.put(Attribute.INTERNET, "." + (char) ('a' + dice.between(0, 25)) + (char) ('a' + dice.between(0, 25)));
        facts.put(Attribute.COAST, thousands(dice.between(20, 9000)) + " km");
        facts.put(Attribute.INDEPENDENCE, Integer.toString(dice.between(1780, 2011)));
        return new Country(MadeUp.name(dice, split, dice.of("ia", "a", "")), split, facts);
    }

    Optional<String> fact(Attribute attribute) {
        return Optional.ofNullable(facts.get(attribute));
    }

    /// What is known, in a fixed order.
    List<Attribute> known() {
        return facts.keySet().stream().sorted().toList();
    }

    /// A number with commas: `1,285,216`.
    static String thousands(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    /// A number of people as one says it: `30.4 million`, `781,000`.
    static String people(long count) {
        if (count >= 1_000_000) {
            return String.format(Locale.ROOT, "%.1f million", count / 1e6).replace(".0 ", " ");
        }
        return thousands(count < 10_000 ? count : Math.round(count / 1000.0) * 1000);
    }

    /// `A`, `A and B`, `A, B and C`.
    static String listed(List<String> names) {
        if (names.size() == 1) {
            return names.getFirst();
        }
        return String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.getLast();
    }
}
