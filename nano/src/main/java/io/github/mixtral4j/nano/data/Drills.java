package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// Exercises whose replies are long and follow from the question word by word: lists to repeat, tables to
/// look up and to write as JSON, sums. A reply of one word teaches a small model little; a model that sees
/// hundreds of words that stand in the question begins to look there. All of them are for training.
///
/// Source of the idea: Olsson et al. 2022, "In-context Learning and Induction Heads".
final class Drills implements SampleSource {
    @Override
    public Sample next(Dice dice, Split split) {
        return switch (dice.between(0, 7)) {
            case 0, 1 -> repeat(dice);
            case 2, 3 -> lookUp(dice);
            case 4, 5 -> json(dice);
            default -> sums(dice);
        };
    }

    /// A text that is no conversation: a list of words, or of pairs, that comes again, the pairs in another order. What
    /// comes again can be foretold by nothing but looking back.
    static String repetition(Dice dice) {
        String separator = dice.of(" ", ", ", "\n");
        StringBuilder text = new StringBuilder();
        if (dice.chance(0.5)) {
            String list = String.join(separator, Words.several(dice, Split.TRAIN, dice.between(3, 14)));
            for (int i = dice.between(2, 4); i > 0; i--) {
                text.append(list).append(i > 1 ? separator : "");
            }
            return text.toString();
        }
        int pairs = dice.between(2, 6);
        List<String> words = Words.several(dice, Split.TRAIN, 2 * pairs);
        String between = dice.of(" ", ": ", " = ");
        List<String> table = new ArrayList<>();
        for (int i = 0; i < pairs; i++) {
            table.add(words.get(2 * i) + between + words.get(2 * i + 1));
        }
        for (int i = dice.between(2, 4); i > 0; i--) {
            text.append(String.join(separator, dice.shuffled(table))).append(i > 1 ? separator : "");
        }
        return text.toString();
    }

    private static Sample sample(String question, String reply) {
        return Sample.of("drills", Language.EN, question, reply, new Expected.Anything())
                .withKey("");
    }

    private static Sample repeat(Dice dice) {
        String list = String.join(dice.of(", ", " ", "\n"), Words.several(dice, Split.TRAIN, dice.between(4, 16)));
        return sample(dice.of("Repeat: ", "Say again: ", "Copy this: ", "Write the same: ") + list, list);
    }

    /// A line of a table.
    private record Pair(String key, Value value) {}

    private static List<Pair> table(Dice dice) {
        List<Pair> table = new ArrayList<>();
        for (String key : Words.several(dice, Split.TRAIN, dice.between(3, 6))) {
            table.add(new Pair(
                    key,
                    switch (dice.between(0, 3)) {
                        case 0 -> Value.of(dice.between(2, dice.of(20, 99, 999, 9999)));
                        case 1 -> Value.of(Words.fullName(dice, Split.TRAIN));
                        case 2 -> Value.of(Words.city(dice, Split.TRAIN));
                        default -> Value.of(MadeUp.name(dice, Split.TRAIN, ""));
                    }));
        }
        return table;
    }

    private static String text(Dice dice, List<Pair> table) {
        String between = dice.of(": ", " is ", " = ", " has ");
        return table.stream()
                .map(pair -> pair.key() + between + pair.value().text())
                .collect(Collectors.joining(dice.of("\n", ", ", "; ")));
    }

    private static Sample lookUp(Dice dice) {
        List<Pair> table = table(dice);
        List<Pair> asked = dice.distinct(table, dice.between(2, table.size()));
        String keys = asked.stream().map(Pair::key).collect(Collectors.joining(", "));
        String values = asked.stream().map(pair -> pair.value().text()).collect(Collectors.joining(", "));
        return sample(text(dice, table) + "\n" + dice.of("What stands beside ", "Look up ", "Say of ") + keys, values);
    }

    private static Sample json(Dice dice) {
        List<Pair> table = table(dice);
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        List<Pair> asked = dice.distinct(table, dice.between(2, table.size()));
        asked.forEach(pair -> answer.set(pair.key(), pair.value().json()));
        String keys = asked.stream().map(Pair::key).collect(Collectors.joining(", "));
        return sample(text(dice, table) + "\nAs JSON: " + keys, SpacedJson.write(answer));
    }

    /// Up to six calculations in a row.
    static Sample sums(Dice dice) {
        List<Step> steps = new ArrayList<>();
        while (steps.size() < 6) {
            Step step = Arithmetic.roll(dice);
            if (step.value() >= 0 && step.value() <= 120 && !step.isHeldOut()) {
                steps.add(step);
            }
        }
        List<Step> some = steps.subList(0, dice.between(2, 6));
        return sample(
                "Calculate " + some.stream().map(Step::task).collect(Collectors.joining(", ")),
                some.stream().map(Step::toString).collect(Collectors.joining(". ")));
    }
}
