package io.github.mixtral4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.testkit.TinyTokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StreamDecoderTest {
    private static final Tokenizer TOKENIZER = Tokenizer.of(TokenizerTest.vocabulary(TinyTokenizer.v3(1500)));

    @Test
    void partsJoinedEqualDecodingAllForRandomIds() {
        Random random = new Random(11);
        for (int i = 0; i < 3000; i++) {
            int[] ids = new int[random.nextInt(14)];
            Arrays.setAll(ids, k -> randomId(random));
            StreamDecoder decoder = TOKENIZER.streamDecoder();
            StringBuilder joined = new StringBuilder();
            for (int id : ids) {
                String part = decoder.push(id);
                assertThat(part.codePoints())
                        .as("half a pair in " + Arrays.toString(ids))
                        .noneMatch(c -> c >= 0xD800 && c <= 0xDFFF);
                joined.append(part);
            }
            joined.append(decoder.flush());
            assertThat(joined.toString()).as(Arrays.toString(ids)).isEqualTo(TOKENIZER.decode(ids));
        }
    }

    @Test
    void waitsForTheLastByteOfACharacter() {
        StreamDecoder decoder = TOKENIZER.streamDecoder();
        byte[] llama = "🦙".getBytes(StandardCharsets.UTF_8);
        assertThat(decoder.push(byteId(llama[0]))).isEmpty();
        assertThat(decoder.push(byteId(llama[1]))).isEmpty();
        assertThat(decoder.push(byteId(llama[2]))).isEmpty();
        assertThat(decoder.push(byteId(llama[3]))).isEqualTo("🦙");
        assertThat(decoder.flush()).isEmpty();
    }

    @Test
    void everyByteOutsideACharacterIsOneReplacementCharacter() {
        // The same as Google's sentencepiece 0.2.2 gives for these byte pieces.
        assertThat(decodeBytes(0xE4, 0xBD)).isEqualTo("\uFFFD\uFFFD");
        assertThat(decodeBytes(0xE4, 0xBD, 'a')).isEqualTo("\uFFFD\uFFFDa");
        assertThat(decodeBytes(0xF0, 0x9F, 0xE4, 0xBD, 0xA0)).isEqualTo("\uFFFD\uFFFD你");
        assertThat(decodeBytes(0xC0, 0x80)).isEqualTo("\uFFFD\uFFFD");
        assertThat(decodeBytes(0xE0, 0x80, 0x80)).isEqualTo("\uFFFD\uFFFD\uFFFD");
        assertThat(decodeBytes(0xED, 0xA0, 0x80)).isEqualTo("\uFFFD\uFFFD\uFFFD");
        assertThat(decodeBytes(0xF4, 0x90, 0x80, 0x80)).isEqualTo("\uFFFD\uFFFD\uFFFD\uFFFD");
        assertThat(decodeBytes(0xEF, 0xBF, 0xBD)).isEqualTo("\uFFFD");
        assertThat(decodeBytes(0xFF, 0xFF)).isEqualTo("\uFFFD\uFFFD");
    }

    @Test
    void controlPiecesAreInvisibleAndEndAnIncompleteCharacter() {
        assertThat(TOKENIZER.decode(1, 3, byteId((byte) 0xE4), 4, byteId((byte) 0xBD), byteId((byte) 0xA0), 2))
                .isEqualTo("\uFFFD\uFFFD\uFFFD");
    }

    @Test
    void stripsTheDummyPrefixAtTheVeryStartOnly() {
        int[] ids = TOKENIZER.encode("  q");
        assertThat(TOKENIZER.decode(ids)).isEqualTo("  q");
        int[] again = Arrays.copyOf(ids, 2 * ids.length);
        System.arraycopy(ids, 0, again, ids.length, ids.length);
        assertThat(TOKENIZER.decode(again)).isEqualTo("  q   q");
        int[] afterControls = new int[ids.length + 2];
        afterControls[0] = 1;
        afterControls[1] = 3;
        System.arraycopy(ids, 0, afterControls, 2, ids.length);
        assertThat(TOKENIZER.decode(afterControls)).isEqualTo("  q");
    }

    @Test
    void idsBeyondTheVocabularyHaveNoTextAndEndAnIncompleteCharacter() {
        StreamDecoder decoder = TOKENIZER.streamDecoder();
        assertThat(decoder.push(byteId((byte) 0xC3))).isEmpty();
        assertThat(decoder.push(TOKENIZER.vocabSize())).isEqualTo("\uFFFD");
        assertThat(decoder.push(byteId((byte) 0xA9))).isEqualTo("\uFFFD");
        assertThat(decoder.push(Integer.MAX_VALUE)).isEmpty();
        assertThatThrownBy(() -> decoder.push(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> TOKENIZER.decode(TOKENIZER.vocabSize())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void unknownPieceHasItsOwnText() {
        assertThat(TOKENIZER.decode(0, 0)).isEqualTo(" ⁇  ⁇ ");
    }

    private static int randomId(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(10);
            case 1 -> byteId((byte) random.nextInt(256));
            case 2 -> byteId("é你😀".getBytes(StandardCharsets.UTF_8)[random.nextInt(9)]);
            default -> random.nextInt(TOKENIZER.vocabSize());
        };
    }

    private static String decodeBytes(int... bytes) {
        return TOKENIZER.decode(Arrays.stream(bytes).map(b -> byteId((byte) b)).toArray());
    }

    private static int byteId(byte value) {
        return TOKENIZER.vocabulary().byteId(value & 0xFF);
    }
}
