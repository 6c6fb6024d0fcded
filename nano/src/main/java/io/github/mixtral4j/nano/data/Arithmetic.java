package io.github.mixtral4j.nano.data;

import java.util.List;
import java.util.stream.Collectors;

/// Word problems with their steps worked out, and plain calculations.
/// ```
/// Ada has 12 pens. She buys 9 more. She gives 4 of them to Ben. How many pens does Ada have now?
/// 12 + 9 = 21. 21 - 4 = 17. Answer: 17
/// ```
/// Held out: the numbers of a problem together, names, and some sums and differences in every place ([Step]).
final class Arithmetic implements SampleSource {
    /// What stands before the result of a word problem.
    static final String MARK = "Answer: ";

    @Override
    public Sample next(Dice dice, Split split) {
        return split == Split.TRAIN && dice.chance(0.25) ? plain(dice) : problem(dice, split);
    }

    private static Sample problem(Dice dice, Split split) {
        WordProblem problem = WordProblem.roll(dice, split);
        while (!problem.isSound() || (split == Split.TRAIN && hasHeldOutStep(problem.steps()))) {
            problem = WordProblem.roll(dice, split);
        }
        String steps = problem.steps().stream().map(Step::toString).collect(Collectors.joining(". "));
        String kind = hasHeldOutStep(problem.steps()) ? "arithmetic.new" : "arithmetic";
        return Sample.of(
                        kind,
                        Language.EN,
                        problem.text(),
                        steps + ". " + MARK + problem.value(),
                        new Expected.Number(problem.value()))
                .withKey(steps)
                .withRejected(slip(dice, problem.steps()));
    }

    /// A calculation without a story; all of them are for training.
    private static Sample plain(Dice dice) {
        Step step = roll(dice);
        while (step.value() < 0 || step.value() > 120 || step.isHeldOut()) {
            step = roll(dice);
        }
        String task = step.task();
        String question =
                dice.of("What is " + task + "?", "How much is " + task + "?", task, task + " = ?", "Calculate " + task);
        return Sample.of("arithmetic.plain", Language.EN, question, step.toString(), new Expected.Anything())
                .withKey("");
    }

    /// Any calculation, also one that is held out.
    static Step roll(Dice dice) {
        return switch (dice.between(0, 9)) {
            case 0, 1, 2, 3 -> Step.plus(dice.between(1, 99), dice.between(1, 60));
            case 4, 5, 6, 7 -> Step.minus(dice.between(2, 110), dice.between(1, 99));
            case 8 -> Step.times(dice.between(1, 10), dice.between(1, 10));
            default -> {
                int right = dice.between(1, 10);
                yield Step.divide(right * dice.between(1, 10), right);
            }
        };
    }

    private static boolean hasHeldOutStep(List<Step> steps) {
        return steps.stream().anyMatch(Step::isHeldOut);
    }

    /// The right steps up to the last, whose result is wrong by a little.
    private static String slip(Dice dice, List<Step> steps) {
        Step last = steps.getLast();
        int wrong = last.value() + dice.of(-10, -2, -1, 1, 2, 10);
        int shown = wrong < 0 ? last.value() + 1 : wrong;
        StringBuilder text = new StringBuilder();
        for (Step step : steps.subList(0, steps.size() - 1)) {
            text.append(step).append(". ");
        }
        return text + last.with(shown) + ". " + MARK + shown;
    }
}
