package io.github.mixtral4j.nano.data;

import static io.github.mixtral4j.nano.data.SamplesTest.countries;
import static io.github.mixtral4j.nano.data.SamplesTest.draw;
import static io.github.mixtral4j.nano.data.SamplesTest.said;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.mixtral4j.chat.Message.AssistantMessage;
import io.github.mixtral4j.chat.Message.UserMessage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class ReadingTest {
    private static final Set<String> UNKNOWN = Set.of(
            "The text does not say.",
            "Le texte ne le dit pas.",
            "Das steht nicht im Text.",
            "El texto no lo dice.",
            "Il testo non lo dice.");

    @Test
    void answersStandInTheTextOrItDoesNotSay() {
        for (Sample sample : draw(new Reading(countries()), Split.HELD_OUT, 9)) {
            String text = said(sample);
            Set<String> unknown = new HashSet<>();
            for (int i = 1; i < sample.messages().size(); i += 2) {
                String answer = ((AssistantMessage) sample.messages().get(i)).content();
                String told = answer.substring(0, answer.length() - 1);
                if (UNKNOWN.contains(answer)) {
                    unknown.add(answer);
                } else {
                    assertThat(text).contains(told);
                }
            }
            assertThat(unknown).hasSizeLessThanOrEqualTo(1);
            assertThat(UNKNOWN.contains(sample.reply().content()))
                    .isEqualTo(sample.kind().endsWith(".absent"));
        }
    }

    @Test
    void someTextsAreAskedAboutMoreThanOnceAndNoQuestionComesTwice() {
        List<Sample> samples = draw(new Reading(countries()), Split.TRAIN, 14);
        assertThat(samples)
                .anyMatch(s -> s.messages().size() == 2)
                .anyMatch(s -> s.messages().size() == 6);
        for (Sample sample : samples) {
            List<String> later = new ArrayList<>();
            for (int i = 2; i < sample.messages().size(); i += 2) {
                later.add(((UserMessage) sample.messages().get(i)).content());
            }
            assertThat(later).as(said(sample)).doesNotHaveDuplicates();
        }
    }

    @Test
    void readingKeepsCountriesApart() {
        for (Split split : Split.values()) {
            assertThat(draw(new Reading(countries()), split, 10).stream()
                            .filter(s -> s.kind().matches("reading(.absent)?")))
                    .isNotEmpty()
                    .allMatch(s -> said(s).contains(split.name()));
        }
    }
}
