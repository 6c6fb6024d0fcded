package io.github.mixtral4j.nano.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The word lists are complete: what code looks for in them is there.
final class WordListsTest {
    @ParameterizedTest
    @EnumSource(Language.class)
    void everyLanguageKnowsAllSmallTalk(Language language) {
        Vocabulary english = Vocabulary.read("smalltalk.en.txt");
        Vocabulary texts = Vocabulary.read("smalltalk." + language.code() + ".txt");
        assertThat(texts.headings()).isEqualTo(english.headings());
        for (String heading : texts.headings()) {
            List<String> lines = texts.lines(heading);
            assertThat(lines.getFirst()).as(heading).startsWith("? ");
            assertThat(lines.subList(1, lines.size())).as(heading).isNotEmpty().allMatch(l -> l.startsWith("! "));
        }
    }

    @Test
    void everyRowHasACellForEveryLanguage() {
        Vocabulary translation = Vocabulary.read("translation.txt");
        for (String heading : List.of("phrases", "when", "days", "several", "numbers", "words", "places")) {
            assertThat(translation.rows(heading)).as(heading).allMatch(r -> r.size() == 5);
        }
        assertThat(translation.rows("doing")).allMatch(r -> r.size() == 6);
        assertThat(Stream.of("things", "living").flatMap(h -> translation.rows(h).stream()))
                .allMatch(r -> r.size() == 7);
        assertThat(Stream.of("qualities of things", "qualities of the living")
                        .flatMap(h -> translation.rows(h).stream()))
                .allMatch(r -> r.size() == 9);
        assertThat(Vocabulary.read("facts.txt").rows("capitals")).allMatch(r -> r.size() == 10);
        Vocabulary reading = Vocabulary.read("reading.txt");
        assertThat(reading.headings().stream()
                        .filter(h -> !h.startsWith("layouts"))
                        .flatMap(h -> reading.rows(h).stream()))
                .allMatch(r -> r.size() == 5);
    }

    @Test
    void nounsAgreeWithTheirArticles() {
        Vocabulary translation = Vocabulary.read("translation.txt");
        for (List<String> noun : translation.rows("things")) {
            assertThat(noun.get(1)).matches("(le |la |l').+");
            assertThat(noun.get(2)).matches(noun.get(1).startsWith("la ") ? "une .+" : "une? .+");
            assertThat(noun.get(3)).matches("(der|die|das) \\p{Lu}.+");
            assertThat(noun.get(4)).matches("(el|la) .+");
            assertThat(noun.get(5)).matches("(il |lo |la |l').+");
            assertThat(noun.get(6)).matches(noun.get(5).startsWith("la ") ? "una .+" : "(un |uno |un').+");
        }
    }

    @Test
    void everyWishNamesAllThatTheFunctionNeeds() {
        for (ToolKind kind : ToolKind.readAll()) {
            for (String request : kind.requests()) {
                assertThat(kind.slots())
                        .as(kind.subject() + ": " + request)
                        .allMatch(s -> request.contains("{" + s.name() + "}"));
            }
            assertThat(kind.results()).isNotEmpty();
            assertThat(kind.abouts()).hasSizeGreaterThanOrEqualTo(3);
        }
    }

    @Test
    void namesOfFunctionsDifferBetweenTheSides() {
        Dice dice = new Dice(1);
        for (ToolKind kind : ToolKind.readAll()) {
            List<String> trained = names(dice, kind, Split.TRAIN);
            assertThat(names(dice, kind, Split.HELD_OUT)).isNotEmpty().doesNotContainAnyElementsOf(trained);
        }
    }

    @Test
    void missingListsAndLinesWithoutHeadingAreNamed() {
        assertThatThrownBy(() -> Vocabulary.read("absent.txt")).hasMessage("no word list absent.txt");
        assertThatThrownBy(() -> Vocabulary.read("words.txt").lines("absent"))
                .hasMessage("words.txt: no section absent");
    }

    @Test
    void madeUpNamesAreOfAllLettersAndHardlyEverTheSame() {
        Dice dice = new Dice(4);
        Set<String> names = new HashSet<>();
        Set<Integer> letters = new HashSet<>();
        for (int i = 0; i < 2000; i++) {
            String name = MadeUp.name(dice, Split.TRAIN, "");
            names.add(name);
            name.toLowerCase(Locale.ROOT).chars().forEach(letters::add);
        }
        assertThat(names).hasSizeGreaterThan(1800);
        assertThat(letters)
                .contains("abcdefghijklmnopqrstuvwxyzéñü".chars().boxed().toArray(Integer[]::new));
    }

    @Test
    void madeUpNamesEndAsRealOnesDo() {
        Dice dice = new Dice(5);
        List<String> names = Stream.generate(() -> MadeUp.name(dice, Split.TRAIN, ""))
                .limit(40_000)
                .toList();
        assertThat(names)
                .anyMatch(name -> name.endsWith("airo"))
                .anyMatch(name -> name.endsWith("ney"))
                .doesNotContain("Cairo", "Sydney");
    }

    @Test
    void madeUpNamesAreDecent() {
        Dice dice = new Dice(2);
        for (int i = 0; i < 5000; i++) {
            assertThat(MadeUp.name(dice, Split.TRAIN, "").length()).isBetween(3, 14);
        }
        assertThat(Decency.offends("Shitola")).isTrue();
        assertThat(Decency.isUnfit("He was called a heathen.")).isTrue();
        assertThat(Decency.isUnfit("A heath in the rain.")).isFalse();
    }

    private static List<String> names(Dice dice, ToolKind kind, Split split) {
        return Stream.generate(() -> kind.declare(dice, split).tool().name())
                .limit(60)
                .toList();
    }
}
