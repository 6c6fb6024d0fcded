package io.github.mixtral4j.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
    @Test
    void textWithoutStopStringsPassesAtOnce() {
        var matcher = new StopMatcher(List.of());
        assertThat(matcher.feed("any\n\ntext")).isEqualTo("any\n\ntext");
        assertThat(matcher.flush()).isEmpty();
        assertThat(matcher.match()).isEmpty();
    }

    @Test
    void holdsBackWhatMayBecomeAStopString() {
        var matcher = new StopMatcher(List.of("\n\nUser"));
        assertThat(matcher.feed("yes\n")).isEqualTo("yes");
        assertThat(matcher.feed("\nNo")).isEqualTo("\n\nNo");
        assertThat(matcher.feed("\n\nUs")).isEmpty();
        assertThat(matcher.feed("er: hi")).isEmpty();
        assertThat(matcher.match()).contains("\n\nUser");
        assertThat(matcher.feed("more")).isEmpty();
        assertThat(matcher.flush()).isEmpty();
    }

    @Test
    void flushGivesWhatDidNotBecomeAStopString() {
        var matcher = new StopMatcher(List.of("STOP"));
        assertThat(matcher.feed("a ST")).isEqualTo("a ");
        assertThat(matcher.flush()).isEqualTo("ST");
        assertThat(matcher.match()).isEmpty();
    }

    @Test
    void fallsBackToAShorterBeginning() {
        var matcher = new StopMatcher(List.of("aab"));
        assertThat(matcher.feed("aa")).isEmpty();
        assertThat(matcher.feed("a")).isEqualTo("a");
        assertThat(matcher.feed("b")).isEmpty();
        assertThat(matcher.match()).contains("aab");
    }

    @Test
    void theFirstToBeCompleteEndsTheText() {
        var matcher = new StopMatcher(List.of("abcd", "bc"));
        assertThat(matcher.feed("xabcd")).isEqualTo("xa");
        assertThat(matcher.match()).contains("bc");
    }

    @Test
    void theLongestOfThoseCompleteTogetherCounts() {
        var matcher = new StopMatcher(List.of("c", "abc", "bc"));
        assertThat(matcher.feed("xabc")).isEqualTo("x");
        assertThat(matcher.match()).contains("abc");
    }

    @Test
    void partsDoNotMatter() {
        var random = new Random(21);
        for (int round = 0; round < 3000; round++) {
            List<String> stops = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                stops.add(word(random, 1 + random.nextInt(4)));
            }
            String text = word(random, random.nextInt(30));
            var matcher = new StopMatcher(stops);
            var shown = new StringBuilder();
            int at = 0;
            while (at < text.length()) {
                int end = Math.min(text.length(), at + random.nextInt(5));
                shown.append(matcher.feed(text.substring(at, end)));
                at = end;
                assertThat(expected(text, stops))
                        .as("round %d: %s in %s", round, stops, text)
                        .startsWith(shown);
            }
            shown.append(matcher.flush());
            assertThat(shown.toString())
                    .as("round %d: %s in %s", round, stops, text)
                    .isEqualTo(expected(text, stops));
        }
    }

    /// The definition: up to the earliest end of a stop string, minus the longest that ends there.
    private static String expected(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            String soFar = text.substring(0, end);
            int longest = stops.stream()
                    .filter(soFar::endsWith)
                    .mapToInt(String::length)
                    .max()
                    .orElse(0);
            if (longest > 0) {
                return soFar.substring(0, end - longest);
            }
        }
        return text;
    }

    private static String word(Random random, int length) {
        var word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append((char) ('a' + random.nextInt(3)));
        }
        return word.toString();
    }
}
