package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.nano.data.Words.Person;
import java.util.List;

/// Short stories of the sea, in the manner of the corpus: eight sentences about one topic, one hero and one ship.
///
/// Held out: stories as a whole, and names.
final class Stories implements SampleSource {
    private static final Vocabulary TEXTS = Vocabulary.read("stories.txt");
    private static final String EVENT = ": event";
    private static final List<String> TOPICS = TEXTS.headings().stream()
            .filter(h -> h.endsWith(EVENT))
            .map(h -> h.substring(0, h.length() - EVENT.length()))
            .toList();

    @Override
    public Sample next(Dice dice, Split split) {
        String topic = dice.of(TOPICS);
        boolean any = split == Split.TRAIN && dice.chance(0.2);
        String question =
                dice.of(TEXTS.lines(any ? "asking for any" : "asking")).replace("{topic}", topic);
        String story = story(dice, split, topic);
        Sample sample = Sample.of("story", Language.EN, Typing.asTyped(dice, question), story, new Expected.Anything())
                .withKey(story);
        return sample.withRejected(story(dice, split, dice.of(TOPICS)).substring(0, story.length() / 4));
    }

    private static String story(Dice dice, Split split, String topic) {
        Person hero = Words.person(dice, split);
        List<String> middles = dice.distinct(TEXTS.lines("middles"), 2);
        List<String> turns = dice.distinct(TEXTS.lines(topic + ": turn"), dice.between(1, 2));
        String text = String.join(
                " ",
                dice.of(TEXTS.lines("openings")),
                dice.of(TEXTS.lines("heroes")),
                dice.chance(0.5) ? middles.getFirst() : String.join(" ", middles),
                dice.of(TEXTS.lines(topic + EVENT)),
                String.join(" ", turns),
                dice.of(TEXTS.lines(topic + ": end")),
                dice.of(TEXTS.lines("endings")));
        return text.replace("{n}", hero.name())
                .replace("{she}", hero.subject())
                .replace("{She}", hero.sentenceSubject())
                .replace("{her}", hero.possessive())
                .replace("{them}", hero.object())
                .replace("{ship}", dice.of(TEXTS.words("ships")))
                .replace("{place}", Words.city(dice, split));
    }
}
