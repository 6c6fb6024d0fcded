package io.github.mixtral4j.nano.data;

import io.github.mixtral4j.chat.Message;
import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// Greetings and small talk in five languages: single exchanges, conversations that go from a greeting to a goodbye,
/// and conversations in which the user's name has to be remembered.
///
/// Held out: conversations as a whole, and names.
final class SmallTalk implements SampleSource {
    private static final List<String> OPENINGS = List.of("greeting", "greeting", "morning", "evening", "introduction");
    private static final List<String> CLOSINGS = List.of("thanks", "bye", "night", "praise");
    /// What needs a conversation around it, or says nothing about the language.
    private static final List<String> NOT_ALONE = List.of("recall", "user is well", "unclear");
    /// Share of the single exchanges in which the user says a name, which has to be copied.
    private static final double INTRODUCTIONS = 0.2;

    /// By the order of the languages.
    private final List<Vocabulary> texts = Stream.of(Language.values())
            .map(l -> Vocabulary.read("smalltalk." + l.code() + ".txt"))
            .toList();
    private final List<String> words = Words.list("words");

    @Override
    public Sample next(Dice dice, Split split) {
        Language language = dice.of(Language.values());
        List<String> plan =
                split == Split.HELD_OUT || dice.chance(0.65) ? conversation(dice) : List.of(single(dice, language));
        Exchange exchange =
                new Exchange(dice, language, Words.person(dice, split).name(), split);
        List<Message> messages = new ArrayList<>();
        for (String intent : plan) {
            exchange.add(intent, messages);
        }
        String key = plan.size() == 1 ? "" : said(messages);
        return new Sample(
                "talk",
                language,
                messages,
                List.of(),
                new Expected.Anything(),
                key,
                Optional.of(exchange.inOtherLanguage(plan.getLast())));
    }

    private String single(Dice dice, Language language) {
        if (dice.chance(INTRODUCTIONS)) {
            return "introduction";
        }
        List<String> intents = texts.get(language.ordinal()).headings();
        String intent = dice.of(intents);
        while (NOT_ALONE.contains(intent) && !(intent.equals("unclear") && language == Language.EN)) {
            intent = dice.of(intents);
        }
        return intent;
    }

    private List<String> conversation(Dice dice) {
        List<String> plan = new ArrayList<>();
        List<String> middle = texts.getFirst().headings().stream()
                .filter(i -> !OPENINGS.contains(i) && !CLOSINGS.contains(i) && !NOT_ALONE.contains(i))
                .toList();
        boolean remember = dice.chance(0.35);
        plan.add(remember ? "introduction" : dice.of(OPENINGS));
        if (dice.chance(0.3)) {
            plan.add("how are you");
            if (dice.chance(0.3)) {
                plan.add("user is well");
            }
        }
        int topics = dice.between(remember ? 0 : 1, 2);
        for (int i = 0; i < topics; i++) {
            plan.add(dice.chance(0.05) ? "unclear" : dice.of(middle));
        }
        if (remember) {
            plan.add("recall");
        }
        if (dice.chance(0.3)) {
            plan.add(dice.of(CLOSINGS));
        }
        return plan;
    }

    private static String said(List<Message> messages) {
        StringBuilder said = new StringBuilder();
        for (Message message : messages) {
            if (message instanceof UserMessage user) {
                said.append(user.content().toLowerCase(Locale.ROOT)).append('\n');
            }
        }
        return said.toString();
    }

    /// One conversation while it is made: its language, and what its slots are filled with.
    private final class Exchange {
        private final Dice dice;
        private final Language language;
        private final String name;
        private final Split split;

        Exchange(Dice dice, Language language, String name, Split split) {
            this.dice = dice;
            this.language = language;
            this.name = name;
            this.split = split;
        }

        void add(String intent, List<Message> messages) {
            List<String> lines = texts.get(language.ordinal()).lines(intent);
            String question = dice.of(Vocabulary.cells(lines.getFirst().substring(1)));
            String answer = answer(language, intent);
            int a = dice.between(1, 20);
            int b = dice.between(1, 20);
            boolean plus = a < b || dice.chance(0.6);
            String sum = a + (plus ? " + " : " - ") + b;
            String result = Integer.toString(plus ? a + b : a - b);
            String word = dice.chance(0.5) ? dice.of(words) : MadeUp.name(dice, split, "");
            messages.add(new UserMessage(Typing.asTyped(
                    dice, question.replace("{name}", name).replace("{sum}", sum).replace("{word}", word))));
            messages.add(new AssistantMessage(answer.replace("{name}", name)
                    .replace("{sum}", sum)
                    .replace("{result}", result)
                    .replace("{word}", word)));
        }

        private String answer(Language inLanguage, String intent) {
            List<String> lines = texts.get(inLanguage.ordinal()).lines(intent);
            return dice.of(lines.subList(1, lines.size())).substring(2);
        }

        /// A worse answer: the right one, but to somebody who speaks another language.
        AssistantMessage inOtherLanguage(String intent) {
            Language other = dice.of(Language.values());
            while (other == language) {
                other = dice.of(Language.values());
            }
            boolean slots = List.of("sum", "say").contains(intent);
            return new AssistantMessage(
                    answer(other, slots ? "unclear" : intent).replace("{name}", name));
        }
    }
}
