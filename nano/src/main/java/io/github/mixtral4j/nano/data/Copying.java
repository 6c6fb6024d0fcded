package io.github.mixtral4j.nano.data;

import java.util.ArrayList;
import java.util.List;

/// Exercises in looking things up in what was said: the skill behind calls, extraction and reading, without their
/// trappings. All of them are for training.
final class Copying implements SampleSource {
    private static final List<String> ORDINALS = List.of("first", "second", "third", "fourth", "fifth");

    @Override
    public Sample next(Dice dice, Split split) {
        return switch (dice.between(0, 4)) {
            case 0 -> repeat(dice);
            case 1 -> nth(dice);
            case 2 -> after(dice);
            case 3 -> lookUp(dice);
            default -> number(dice);
        };
    }

    private static List<String> things(Dice dice, int count) {
        return Words.several(dice, Split.TRAIN, count);
    }

    private static Sample sample(String question, String reply) {
        return Sample.of("copying", Language.EN, question, reply, new Expected.Anything())
                .withKey("");
    }

    private Sample repeat(Dice dice) {
        String list = String.join(dice.of(", ", " "), things(dice, dice.between(1, 6)));
        return sample(dice.of("Repeat: ", "Say again: ", "Copy this: ", "Write the same: ") + list, list);
    }

    private Sample nth(Dice dice) {
        List<String> list = things(dice, dice.between(2, 5));
        int n = dice.between(0, list.size() - 1);
        boolean last = n == list.size() - 1 && dice.chance(0.5);
        return sample(
                String.join(", ", list) + "\n" + dice.of("Which is", "What is", "Can you say") + " the "
                        + (last ? "last" : ORDINALS.get(n)) + " word?",
                list.get(n));
    }

    private Sample after(Dice dice) {
        List<String> list = things(dice, dice.between(3, 6));
        int n = dice.between(1, list.size() - 2);
        boolean forwards = dice.chance(0.6);
        return sample(
                String.join(" ", list) + "\nWhat comes " + (forwards ? "after " : "before ") + list.get(n) + "?",
                list.get(forwards ? n + 1 : n - 1));
    }

    private Sample lookUp(Dice dice) {
        List<String> keys = things(dice, dice.between(2, 5));
        List<String> values = things(dice, keys.size());
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < keys.size(); i++) {
            text.append(keys.get(i)).append(": ").append(values.get(i)).append('\n');
        }
        int asked = dice.between(0, keys.size() - 1);
        return sample(text + "What stands beside " + keys.get(asked) + "?", values.get(asked));
    }

    private Sample number(Dice dice) {
        List<String> keys = things(dice, dice.between(2, 5));
        List<String> pairs = new ArrayList<>();
        List<Integer> numbers = new ArrayList<>();
        for (String key : keys) {
            numbers.add(dice.between(2, dice.of(20, 99, 999, 9999)));
            pairs.add(key + " has " + numbers.getLast());
        }
        int asked = dice.between(0, keys.size() - 1);
        return sample(
                String.join(", ", pairs) + ". How many does " + keys.get(asked) + " have?",
                numbers.get(asked).toString());
    }
}
