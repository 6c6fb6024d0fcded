package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.nano.data.Words.Person;
import java.util.List;

/// A story with numbers, a question at its end, and the steps that answer it. All numbers are whole, from 1 to 120.
///
/// @param text the story
/// @param steps two or three; the last one's value is the answer
record WordProblem(String text, List<Step> steps) {
    private static final List<String> THINGS = Words.list("countable things");
    private static final List<String> GOODS = Words.list("goods");

    WordProblem {
        steps = List.copyOf(steps);
    }

    /// The answer.
    int value() {
        return steps.getLast().value();
    }

    /// Whether every number is one that people count to, and no count is ever below 1.
    boolean isSound() {
        return steps.stream().allMatch(s -> s.value() >= 1 && s.value() <= 120);
    }

    private static WordProblem of(String text, Step... steps) {
        return new WordProblem(text, List.of(steps));
    }

    /// A problem of any kind.
    static WordProblem roll(Dice dice, Split split) {
        Person who = Words.person(dice, split);
        Person other = Words.person(dice, split);
        while (other.name().equals(who.name())) {
            other = Words.person(dice, split);
        }
        return switch (dice.between(0, 15)) {
            case 0, 1 -> pocket(dice, who, other, 2);
            case 2 -> pocket(dice, who, other, 3);
            case 3 -> boxes(dice, who, other);
            case 4 -> share(dice, who);
            case 5 -> change(dice, who);
            case 6 -> twoGoods(dice, who);
            case 7 -> pages(dice, who);
            case 8 -> ages(dice, who, other);
            case 9 -> bus(dice);
            case 10 -> farm(dice);
            case 11 -> rows(dice);
            case 12 -> savings(dice, who);
            case 13 -> difference(dice, who, other);
            case 14 -> timesAsMany(dice, who, other);
            default -> minutes(dice, who);
        };
    }

    /// Something is counted, and changes two or three times.
    private static WordProblem pocket(Dice dice, Person who, Person other, int changes) {
        String things = dice.of(THINGS);
        int count = dice.between(5, 60);
        StringBuilder text = new StringBuilder(dice.of(
                who.name() + " has " + count + " " + things + ".",
                who.name() + " starts with " + count + " " + things + ".",
                "There are " + count + " " + things + " in " + who.name() + "'s bag."));
        Step[] steps = new Step[changes];
        for (int i = 0; i < changes; i++) {
            boolean more = count < 12 || dice.chance(0.5);
            int by = more ? dice.between(2, 39) : dice.between(2, count - 2);
            steps[i] = more ? Step.plus(count, by) : Step.minus(count, by);
            text.append(' ').append(more ? gain(dice, who, other, by) : loss(dice, who, other, by));
            count = steps[i].value();
        }
        text.append(' ')
                .append(dice.of(
                        "How many " + things + " does " + who.name() + " have now?",
                        "How many " + things + " does " + who.subject() + " have in the end?",
                        "How many " + things + " are there now?"));
        return of(text.toString(), steps);
    }

    private static String gain(Dice dice, Person who, Person other, int by) {
        return dice.of(
                who.sentenceSubject() + " buys " + by + " more.",
                other.name() + " gives " + who.object() + " " + by + " more.",
                who.sentenceSubject() + " finds " + by + " more.",
                who.sentenceSubject() + " gets " + by + " more from " + other.name() + ".");
    }

    private static String loss(Dice dice, Person who, Person other, int by) {
        return dice.of(
                who.sentenceSubject() + " gives " + by + " of them to " + other.name() + ".",
                who.sentenceSubject() + " loses " + by + " of them.",
                who.sentenceSubject() + " sells " + by + " of them.",
                who.sentenceSubject() + " gives away " + by + ".");
    }

    private static WordProblem boxes(Dice dice, Person who, Person other) {
        String things = dice.of(THINGS);
        String container = dice.of("boxes", "bags", "baskets");
        int containers = dice.between(2, 9);
        int each = dice.between(2, 10);
        Step all = Step.times(containers, each);
        boolean more = all.value() < 8 || dice.chance(0.5);
        int by = more ? dice.between(2, 20) : dice.between(2, all.value() - 2);
        String start = dice.of(
                who.name() + " has " + containers + " " + container + " with " + each + " " + things + " in each.",
                who.name() + " fills " + containers + " " + container + " with " + each + " " + things + " each.");
        return of(
                start + " " + (more ? gain(dice, who, other, by) : loss(dice, who, other, by)) + " How many " + things
                        + " does " + who.name() + " have now?",
                all,
                more ? Step.plus(all.value(), by) : Step.minus(all.value(), by));
    }

    private static WordProblem share(Dice dice, Person who) {
        String things = dice.of(THINGS);
        int friends = dice.between(2, 9);
        int each = dice.between(2, 10);
        int all = friends * each;
        int first = dice.between(1, all - 1);
        return of(
                who.name() + " has " + first + " " + things + " and gets " + (all - first) + " more. "
                        + who.sentenceSubject() + " shares them equally among " + friends + " friends. How many "
                        + things + " does each friend get?",
                Step.plus(first, all - first),
                Step.divide(all, friends));
    }

    private static WordProblem change(Dice dice, Person who) {
        String good = dice.of(GOODS);
        int price = dice.between(2, 10);
        int count = dice.between(2, 9);
        int note = price * count < 20 ? dice.of(20, 50) : price * count < 50 ? dice.of(50, 100) : 100;
        return of(
                Words.capitalized(Words.article(good)) + " " + good + " costs " + price + " euros. " + who.name()
                        + " buys " + count + " of them and pays with " + note + " euros. "
                        + dice.of("How many euros does " + who.subject() + " get back?", "How much is the change?"),
                Step.times(count, price),
                Step.minus(note, price * count));
    }

    private static WordProblem twoGoods(Dice dice, Person who) {
        List<String> things = dice.distinct(THINGS, 2);
        int count = dice.between(2, 9);
        int price = dice.between(2, 7);
        int count2 = dice.between(2, 9);
        int price2 = dice.between(2, 6);
        return of(
                who.name() + " buys " + count + " " + things.getFirst() + " for " + price + " euros each and " + count2
                        + " " + things.getLast() + " for " + price2 + " euros each. "
                        + dice.of("How much does " + who.subject() + " pay?", "How many euros is that in total?"),
                Step.times(count, price),
                Step.times(count2, price2),
                Step.plus(count * price, count2 * price2));
    }

    private static WordProblem pages(Dice dice, Person who) {
        int daily = dice.between(3, 10);
        int days = dice.between(2, 9);
        int pages = daily * days + dice.between(3, 30);
        return of(
                "A book has " + pages + " pages. " + who.name() + " reads " + daily + " pages every day. "
                        + dice.of(
                                "How many pages are left after " + days + " days?",
                                "How many pages has " + who.subject() + " still to read after " + days + " days?"),
                Step.times(days, daily),
                Step.minus(pages, daily * days));
    }

    private static WordProblem ages(Dice dice, Person who, Person other) {
        int age = dice.between(6, 50);
        int older = dice.between(2, 30);
        int younger = dice.between(2, age + older - 3);
        String cousin = dice.of("brother", "sister", "cousin", "friend", "neighbour");
        return of(
                who.name() + " is " + age + " years old. " + other.name() + " is " + older + " years older. "
                        + other.name() + "'s " + cousin + " is " + younger + " years younger than " + other.name()
                        + ". How old is the " + cousin + "?",
                Step.plus(age, older),
                Step.minus(age + older, younger));
    }

    private static WordProblem bus(Dice dice) {
        String vehicle = dice.of("bus", "train", "ship", "tram");
        int on = dice.between(12, 60);
        int off = dice.between(2, on - 3);
        int more = dice.between(2, 39);
        boolean offFirst = dice.chance(0.5);
        String start = "There are " + on + " people on a " + vehicle + ". At the next stop ";
        String end = " How many people are on the " + vehicle + " now?";
        return offFirst
                ? of(
                        start + off + " get off and " + more + " get on." + end,
                        Step.minus(on, off),
                        Step.plus(on - off, more))
                : of(
                        start + more + " get on and " + off + " get off." + end,
                        Step.plus(on, more),
                        Step.minus(on + more, off));
    }

    private static WordProblem farm(Dice dice) {
        String four = dice.of("cows", "horses", "goats", "sheep", "dogs");
        String two = dice.of("ducks", "hens", "geese");
        int fours = dice.between(2, 10);
        int twos = dice.between(2, 10);
        return of(
                "A farm has " + fours + " " + four + " with 4 legs each and " + twos + " " + two
                        + " with 2 legs each. How many legs are there in all?",
                Step.times(fours, 4),
                Step.times(twos, 2),
                Step.plus(fours * 4, twos * 2));
    }

    private static WordProblem rows(Dice dice) {
        String room = dice.of("cinema", "hall", "theatre", "bus", "classroom");
        int rows = dice.between(3, 10);
        int seats = dice.between(3, 10);
        int taken = dice.between(2, rows * seats - 2);
        return of(
                "A " + room + " has " + rows + " rows with " + seats + " seats each. " + taken
                        + " seats are taken. How many seats are free?",
                Step.times(rows, seats),
                Step.minus(rows * seats, taken));
    }

    private static WordProblem savings(Dice dice, Person who) {
        String good = dice.of(GOODS);
        int weekly = dice.between(3, 10);
        int weeks = dice.between(3, 10);
        int price = dice.between(2, weekly * weeks - 2);
        return of(
                who.name() + " saves " + weekly + " euros every week. After " + weeks + " weeks " + who.subject()
                        + " buys " + Words.article(good) + " " + good + " for " + price
                        + " euros. How many euros are left?",
                Step.times(weeks, weekly),
                Step.minus(weekly * weeks, price));
    }

    private static WordProblem difference(Dice dice, Person who, Person other) {
        String things = dice.of("apples", "pears", "plums", "flowers", "shells", "tomatoes", "lemons");
        int morning = dice.between(5, 45);
        int evening = dice.between(5, 45);
        int others = dice.between(3, morning + evening - 2);
        return of(
                who.name() + " picks " + morning + " " + things + " in the morning and " + evening
                        + " in the evening. " + other.name() + " picks " + others + ". How many more does "
                        + who.name() + " pick than " + other.name() + "?",
                Step.plus(morning, evening),
                Step.minus(morning + evening, others));
    }

    private static WordProblem timesAsMany(Dice dice, Person who, Person other) {
        String things = dice.of(THINGS);
        int count = dice.between(2, 10);
        int factor = dice.between(2, 9);
        return of(
                who.name() + " has " + count + " " + things + ". " + other.name() + " has " + factor
                        + " times as many. How many " + things + " do they have together?",
                Step.times(factor, count),
                Step.plus(factor * count, count));
    }

    private static WordProblem minutes(Dice dice, Person who) {
        String doing = dice.of("reads", "swims", "walks", "sings", "paints", "runs", "draws");
        int each = dice.between(3, 10);
        int days = dice.between(2, 6);
        int sunday = dice.between(11, 50);
        return of(
                who.name() + " " + doing + " for " + each + " minutes on " + days + " days and for " + sunday
                        + " minutes on Sunday. How many minutes is that in all?",
                Step.times(days, each),
                Step.plus(days * each, sunday));
    }
}
