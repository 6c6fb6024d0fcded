package io.github.mixtral4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.testkit.TinyTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private static final long SEED = 7;

    @ParameterizedTest
    @ValueSource(strings = {"v1", "v3"})
    void encodesTheConformanceTextsAsSentencepiece(String version) {
        Tokenizer tokenizer = Fixtures.tokenizer(version);
        for (Fixtures.Case c : Fixtures.cases(version)) {
            assertThat(boxed(tokenizer.encode(c.text()))).as(c.text()).isEqualTo(c.ids());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v1", "v3"})
    void decodesTheConformanceIdsAsSentencepiece(String version) {
        Tokenizer tokenizer = Fixtures.tokenizer(version);
        for (Fixtures.Case c : Fixtures.cases(version)) {
            int[] ids = c.ids().stream().mapToInt(Integer::intValue).toArray();
            assertThat(tokenizer.decode(ids)).isEqualTo(c.decoded());
        }
    }

    @Test
    void knowsTheSpecialIdsOfTheRealVocabularies() {
        Tokenizer v1 = Fixtures.tokenizer("v1");
        Tokenizer v3 = Fixtures.tokenizer("v3");
        assertThat(List.of(v1.unkId(), v1.bosId(), v1.eosId(), v1.vocabSize())).containsExactly(0, 1, 2, 32000);
        assertThat(List.of(v3.unkId(), v3.bosId(), v3.eosId(), v3.vocabSize())).containsExactly(0, 1, 2, 32768);
        assertThat(v1.controlId("[INST]")).isEmpty();
        assertThat(v3.controlId("[INST]")).hasValue(3);
        assertThat(v3.controlId("[/TOOL_RESULTS]")).hasValue(9);
        assertThat(v3.controlId("[REFERENCE_DOC_0]")).isEmpty();
        assertThat(v3.controlId("<0x00>")).isEmpty();
        assertThat(v3.isControl(9)).isTrue();
        assertThat(v3.isControl(0)).isFalse();
        assertThat(v3.piece(781)).isEqualTo("<0x0A>");
    }

    @Test
    void takesUserDefinedPiecesWhole() {
        Tokenizer v3 = Fixtures.tokenizer("v3");
        // Ids of Google's sentencepiece 0.2.2.
        assertThat(v3.encode("[REFERENCE_DOC_1]a[REFERENCE_DOC_12] [REFERENCE_DOC_1"))
                .containsExactly(29473, 769, 29476, 758, 1501, 15097, 1493, 16451, 29498, 5938, 29511, 29498, 29508);
    }

    @Test
    void encodesRandomTextsAsTheNaiveAlgorithm() {
        for (TinyTokenizer tiny : List.of(TinyTokenizer.v1(400), TinyTokenizer.v3(1100), TinyTokenizer.v3(3000))) {
            Tokenizer tokenizer = Tokenizer.of(vocabulary(tiny));
            NaiveBpe naive = new NaiveBpe(tokenizer.vocabulary());
            Random random = new Random(SEED);
            for (int i = 0; i < 600; i++) {
                String text = randomText(random, tokenizer.vocabulary());
                assertThat(boxed(tokenizer.encode(text))).as(text).isEqualTo(naive.encode(text));
            }
        }
    }

    @Test
    void mergesPiecesWhoseCharactersAreNoPieces() {
        Vocabulary vocabulary = withPieces("in", "▁t", "▁tin");
        Tokenizer tokenizer = Tokenizer.of(vocabulary);
        assertThat(pieces(tokenizer, "tin ti")).containsExactly("▁tin", "▁t", "<0x69>");
    }

    @Test
    void breaksTiesToTheLeft() {
        Vocabulary vocabulary = withScores(new String[] {"▁", "a", "aa", "aaa"}, new float[] {-9, -8, -1, -1});
        assertThat(pieces(Tokenizer.of(vocabulary), "aaaaa")).containsExactly("▁", "aaa", "aa");
    }

    @Test
    void neverMakesControlIdsOfText() {
        Tokenizer tokenizer = Tokenizer.of(vocabulary(TinyTokenizer.v3(2000)));
        Random random = new Random(SEED);
        for (int i = 0; i < 500; i++) {
            StringBuilder text = new StringBuilder();
            for (int k = random.nextInt(20); k >= 0; k--) {
                text.append(tokenizer.piece(random.nextInt(775))).append(" ".repeat(random.nextInt(2)));
            }
            assertThat(boxed(tokenizer.encode(text.toString())))
                    .as(text.toString())
                    .allMatch(id -> !tokenizer.isControl(id) && id != tokenizer.unkId());
        }
    }

    @Test
    void decodingReturnsTheText() {
        Tokenizer tokenizer = Tokenizer.of(vocabulary(TinyTokenizer.v3(2000)));
        Random random = new Random(SEED);
        for (int i = 0; i < 1000; i++) {
            String text = randomText(random, tokenizer.vocabulary()).replace('▁', '_');
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        }
    }

    @Test
    void encodesHalfASurrogatePairAsReplacementCharacter() {
        Tokenizer tokenizer = Tokenizer.of(vocabulary(TinyTokenizer.v1(400)));
        for (String half : List.of("\uD83D", "\uDE00", "a\uD83D", "\uDE00\uD83D b", "\uD83D\uD83D\uDE00")) {
            String replaced =
                    half.replaceAll("(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])", "\uFFFD");
            assertThat(tokenizer.encode(half)).isEqualTo(tokenizer.encode(replaced));
            assertThat(tokenizer.decode(tokenizer.encode(half))).isEqualTo(replaced);
        }
    }

    @Test
    void leavesTheDummyPrefixOutWhenTheVocabularyHasNone() {
        TinyTokenizer tiny = TinyTokenizer.v1(400);
        Tokenizer tokenizer = Tokenizer.of(
                Vocabulary.ofGguf("tiny.gguf", tiny.pieces(), tiny.scores(), tiny.types(), 1, 2, 0, false));
        assertThat(pieces(tokenizer, "q")).containsExactly("q");
        assertThat(tokenizer.decode(tokenizer.encode(" q"))).isEqualTo(" q");
    }

    @Test
    void threadsSharingATokenizerAgree() {
        Tokenizer shared = Tokenizer.of(vocabulary(TinyTokenizer.v3(3000)));
        Tokenizer alone = Tokenizer.of(shared.vocabulary());
        Random random = new Random(SEED);
        List<String> texts = IntStream.range(0, 400)
                .mapToObj(i -> randomText(random, shared.vocabulary()))
                .toList();
        List<List<Integer>> expected =
                texts.stream().map(text -> boxed(alone.encode(text))).toList();
        for (int round = 0; round < 5; round++) {
            assertThat(texts.parallelStream()
                            .map(text -> boxed(shared.encode(text)))
                            .toList())
                    .isEqualTo(expected);
        }
    }

    @Test
    void timeGrowsLittleFasterThanTheTextInOneWord() {
        Tokenizer tokenizer = Tokenizer.of(withPieces("aa", "aaa", "aaaa", "aaaaaa", "ab", "bab", "▁a", "a", "b", "▁"));
        Random random = new Random(SEED);
        for (boolean same : new boolean[] {true, false}) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 1_600_000; i++) {
                text.append(same || random.nextBoolean() ? 'a' : 'b');
            }
            String whole = text.toString();
            String part = whole.substring(0, whole.length() / 8);
            cpuMillis(tokenizer, part, 2);
            // n log n gives about 1.2, a quadratic algorithm 8; the best of several, because a busy machine disturbs.
            double growth = Double.MAX_VALUE;
            for (int attempt = 0; attempt < 5 && growth >= 4; attempt++) {
                growth = Math.min(growth, (double) cpuMillis(tokenizer, whole, 1) / cpuMillis(tokenizer, part, 8));
            }
            assertThat(growth)
                    .as("time for a text, over that for its eighth 8 times")
                    .isLessThan(4);
        }
    }

    @Test
    void namesTheRangeOfIdsWhenOneIsOutside() {
        Tokenizer tokenizer = Tokenizer.of(vocabulary(TinyTokenizer.v1(400)));
        assertThatThrownBy(() -> tokenizer.decode(5, 400))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("token id must be 0 to 399 (tiny.gguf has 400 pieces), got 400");
        assertThatThrownBy(() -> tokenizer.piece(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("token id must be 0 to 399 (tiny.gguf has 400 pieces), got -1");
    }

    /// Time of the processor, which other programs on the machine do not change as they change that of the clock.
    private static long cpuMillis(Tokenizer tokenizer, String text, int times) {
        long before = processMillis();
        for (int i = 0; i < times; i++) {
            assertThat(tokenizer.encode(text)).isNotEmpty();
        }
        return processMillis() - before + 1;
    }

    private static long processMillis() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toMillis();
    }

    static Vocabulary vocabulary(TinyTokenizer tiny) {
        return Vocabulary.ofGguf("tiny.gguf", tiny.pieces(), tiny.scores(), tiny.types(), 1, 2, 0, true);
    }

    /// Marks, bytes and these normal pieces, best first.
    private static Vocabulary withPieces(String... pieces) {
        float[] scores = new float[pieces.length];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = -i;
        }
        return withScores(pieces, scores);
    }

    private static Vocabulary withScores(String[] pieces, float[] scores) {
        TinyTokenizer tiny = TinyTokenizer.v1(400);
        int first = 259;
        String[] allPieces = Arrays.copyOf(tiny.pieces(), first + pieces.length);
        float[] allScores = Arrays.copyOf(tiny.scores(), first + pieces.length);
        int[] types = Arrays.copyOf(tiny.types(), first + pieces.length);
        System.arraycopy(pieces, 0, allPieces, first, pieces.length);
        System.arraycopy(scores, 0, allScores, first, pieces.length);
        Arrays.fill(types, first, types.length, PieceType.NORMAL.code());
        return Vocabulary.ofGguf("tiny.gguf", allPieces, allScores, types, 1, 2, 0, true);
    }

    private static List<String> pieces(Tokenizer tokenizer, String text) {
        return IntStream.of(tokenizer.encode(text)).mapToObj(tokenizer::piece).toList();
    }

    /// Pieces, spaces, characters of every length in UTF-8, and letters that merge.
    private static String randomText(Random random, Vocabulary vocabulary) {
        int[] odd = "▁\n\t\0é你漢😀🦙".codePoints().toArray();
        StringBuilder text = new StringBuilder();
        for (int k = random.nextInt(12); k >= 0; k--) {
            switch (random.nextInt(8)) {
                case 0 -> text.append(" ".repeat(1 + random.nextInt(9)));
                case 1 -> text.appendCodePoint(odd[random.nextInt(odd.length)]);
                case 2 -> text.append((char) ('a' + random.nextInt(5))).append((char) ('a' + random.nextInt(5)));
                default ->
                    text.append(
                            vocabulary.piece(random.nextInt(vocabulary.size())).replace('▁', ' '));
            }
        }
        return text.toString();
    }

    private static List<Integer> boxed(int[] ids) {
        List<Integer> list = new ArrayList<>();
        for (int id : ids) {
            list.add(id);
        }
        return list;
    }
}
