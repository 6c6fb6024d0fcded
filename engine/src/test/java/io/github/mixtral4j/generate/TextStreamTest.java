package io.github.mixtral4j.generate;

import static io.github.mixtral4j.generate.TestVocabulary.FIRST_BYTE;
import static io.github.mixtral4j.generate.TestVocabulary.id;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TextStreamTest {
    @Test
    void givesWholeCharactersOnly() {
        TextStream text = text(new int[] {TestVocabulary.BOS});
        // U+1F600 is F0 9F 98 80 in UTF-8.
        assertThat(text.push(FIRST_BYTE + 0xF0)).isEmpty();
        assertThat(text.push(FIRST_BYTE + 0x9F)).isEmpty();
        assertThat(text.push(FIRST_BYTE + 0x98)).isEmpty();
        assertThat(text.push(FIRST_BYTE + 0x80)).isEqualTo("😀");
        assertThat(text.push(FIRST_BYTE + 0xF0)).isEmpty();
        assertThat(text.finish()).isEqualTo("\uFFFD");
    }

    @Test
    void findsStopStringsAcrossTokensAndBytes() {
        TextStream text = text(new int[] {TestVocabulary.BOS}, "ré");
        assertThat(text.push(id("th"))).isEqualTo("th");
        assertThat(text.push(id("er"))).isEqualTo("e");
        assertThat(text.push(FIRST_BYTE + 0xC3)).isEmpty();
        assertThat(text.push(FIRST_BYTE + 0xA9)).isEmpty();
        assertThat(text.stopString()).contains("ré");
        assertThat(text.finish()).isEmpty();
    }

    @Test
    void finishGivesWhatWasHeldBack() {
        TextStream text = text(new int[] {TestVocabulary.BOS}, "\n\nUser");
        assertThat(text.push(id("\n\n"))).isEmpty();
        assertThat(text.push(id("U"))).isEmpty();
        assertThat(text.finish()).isEqualTo("\n\nU");
    }

    @Test
    void keepsTheSpaceThatFollowsThePrompt() {
        assertThat(text(new int[] {TestVocabulary.BOS}).push(id("▁the"))).isEqualTo("the");
        assertThat(text(new int[] {TestVocabulary.BOS, id("▁a")}).push(id("▁the")))
                .isEqualTo(" the");
    }

    @Test
    void completesACharacterThatThePromptBegan() {
        TextStream text = text(new int[] {TestVocabulary.BOS, FIRST_BYTE + 0xC3});
        assertThat(text.push(FIRST_BYTE + 0xA9)).isEqualTo("é");
    }

    @Test
    void idsWithoutAPieceHaveNoText() {
        TextStream text = text(new int[] {TestVocabulary.BOS, TestVocabulary.SIZE});
        assertThat(text.push(id("▁the"))).isEqualTo("the");
        assertThat(text.push(TestVocabulary.SIZE + 7)).isEmpty();
        assertThat(text.push(id("▁a"))).isEqualTo(" a");
    }

    @Test
    void doesNotLookForStopStringsInThePrompt() {
        TextStream text = text(TestVocabulary.ids("U", "User"), "Userth");
        assertThat(text.push(id("th"))).isEqualTo("th");
        assertThat(text.stopString()).isEmpty();
    }

    private static TextStream text(int[] prompt, String... stops) {
        return new TextStream(TestVocabulary.TOKENIZER.streamDecoder(), prompt, List.of(stops));
    }
}
