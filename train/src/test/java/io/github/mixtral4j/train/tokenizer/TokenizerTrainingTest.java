package io.github.mixtral4j.train.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.mixtral4j.testkit.Fixtures;
import io.github.mixtral4j.tokenizer.PieceType;
import io.github.mixtral4j.tokenizer.SentencePieceModel;
import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTrainingTest {
    private static final String TEXT =
            "the cat and the other cat; then 2024, and there:\n  indented   text\nпривет мир, привет\n"
                    + "{\"name\": \"cat\", \"names\": [\"the\", \"cats\"]}\nanother one, and another\n";

    private static final Phrases NONE = Phrases.of(List.of());

    @TempDir
    Path folder;

    private static Corpus corpus(String text) throws IOException {
        Corpus corpus = new Corpus();
        corpus.add(new StringReader(text));
        return corpus;
    }

    private static Vocabulary learn(String text, int size) throws IOException {
        return new TokenizerTraining(size, TokenizerLayout.V1, 1).learn(corpus(text), NONE);
    }

    @Test
    void theCommonestPairIsMergedFirst() throws IOException {
        Corpus corpus = corpus("aab aab aab ab\nb");
        assertThat(corpus.stretches()).containsExactlyInAnyOrderEntriesOf(Map.of("▁aab", 3L, "▁ab", 1L, "▁b", 1L));
        // ab 4; then aab 3, before ▁aab 3, which did not exist yet.
        assertThat(new BpeTrainer(corpus.stretches(), corpus.characters().keySet()).merges(10))
                .containsExactly("ab", "aab", "▁aab");
    }

    @Test
    void overlappingPairsAreCountedOnceEach() throws IOException {
        Corpus corpus = corpus("aaaaa aaaa aaaaaaa aa");
        assertThat(new BpeTrainer(corpus.stretches(), corpus.characters().keySet()).merges(10))
                .isEqualTo(naive(corpus, 10));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void mergesAreThoseOfTheSimplestTrainer(int seed) throws IOException {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        String letters = seed % 2 == 0 ? "ab" : "abcde,я7";
        for (int i = 0; i < 600; i++) {
            text.append(letters.charAt(random.nextInt(letters.length())));
            text.append(random.nextInt(5) == 0 ? " " : random.nextInt(40) == 0 ? "\n" : "");
        }
        Corpus corpus = corpus(text.toString());
        List<String> expected = naive(corpus, 60);
        assertThat(expected.size()).isGreaterThan(20);
        assertThat(new BpeTrainer(corpus.stretches(), corpus.characters().keySet()).merges(60))
                .isEqualTo(expected);
    }

    /// Counts everything anew for every merge.
    private static List<String> naive(Corpus corpus, int wanted) {
        Map<List<String>, Long> words = new HashMap<>();
        corpus.stretches()
                .forEach((stretch, count) -> words.merge(
                        stretch.codePoints().mapToObj(Character::toString).toList(), count, Long::sum));
        List<String> merges = new ArrayList<>();
        while (merges.size() < wanted) {
            Map<List<String>, Long> pairs = new HashMap<>();
            words.forEach((word, count) -> {
                for (int i = 0; i + 1 < word.size(); i++) {
                    pairs.merge(List.of(word.get(i), word.get(i + 1)), count, Long::sum);
                }
            });
            List<String> best = List.of();
            long most = 1;
            // Two pairs of the same text and count are merged one after the other; the result is the same.
            for (Map.Entry<List<String>, Long> pair : pairs.entrySet()) {
                String text = String.join("", pair.getKey());
                boolean better = pair.getValue() > most
                        || (pair.getValue() == most && !best.isEmpty() && text.compareTo(String.join("", best)) < 0);
                if (better && text.length() <= 16) {
                    most = pair.getValue();
                    best = pair.getKey();
                }
            }
            if (best.isEmpty()) {
                break;
            }
            String text = String.join("", best);
            if (!merges.contains(text)) {
                merges.add(text);
            }
            Map<List<String>, Long> old = new HashMap<>(words);
            words.clear();
            List<String> pair = best;
            old.forEach((word, count) -> words.merge(merged(word, pair), count, Long::sum));
        }
        return merges;
    }

    private static List<String> merged(List<String> word, List<String> pair) {
        List<String> merged = new ArrayList<>();
        for (int i = 0; i < word.size(); i++) {
            boolean found =
                    i + 1 < word.size() && List.of(word.get(i), word.get(i + 1)).equals(pair);
            merged.add(found ? word.get(i) + word.get(++i) : word.get(i));
        }
        return merged;
    }

    @Test
    void piecesStayWithinWordsScriptsAndDigits() throws IOException {
        Corpus corpus = corpus("x1y22 a-b привет,мир\tz\r\n  two はひカ漢 e\u0301e");
        assertThat(corpus.stretches().keySet())
                .containsExactlyInAnyOrder("▁x", "▁a", "▁привет", "мир", "▁two", "▁はひカ漢", "▁e\u0301e");
        assertThat(corpus.characters()).containsEntry((int) '▁', 8L).containsEntry((int) '2', 2L);
        assertThat(corpus.characters()).doesNotContainKeys((int) '\t', (int) '\r', (int) '\n');
    }

    @Test
    void theVocabularyHasTheShapeOfMistrals() throws IOException {
        Vocabulary vocabulary = learn(TEXT.repeat(2), 350);
        assertThat(vocabulary.size()).isEqualTo(350);
        assertThat(vocabulary.piece(258)).isEqualTo("<0xFF>");
        assertThat(vocabulary.piece(259)).isEqualTo("▁▁");
        assertThat(vocabulary.score(259)).isEqualTo(-1e9f);
        assertThat(vocabulary.piece(273)).isEqualTo("▁".repeat(16));
        assertThat(vocabulary.score(274)).isZero();
        assertThat(vocabulary.score(275)).isEqualTo(-1);
        Map<String, Integer> pieces = new TreeMap<>();
        for (int id = 259; id < 350; id++) {
            pieces.put(vocabulary.piece(id), id);
            assertThat(vocabulary.type(id)).isEqualTo(PieceType.NORMAL);
        }
        assertThat(pieces).containsKeys("▁the", "▁cat", "▁and", "▁", "2", "п");
        assertThat(pieces.keySet()).noneMatch(piece -> piece.length() > 1 && piece.matches(".*\\d.*"));
        assertThat(pieces.keySet()).noneMatch(piece -> piece.matches(".+[^▁]▁.*"));
    }

    @Test
    void everyTextSurvivesEncodingAndDecoding() throws IOException {
        Tokenizer tokenizer = Tokenizer.of(learn(TEXT.repeat(2), 350));
        for (String text : List.of("the cat", "  two  spaces\n\ttab", "2024", "日本語 😀", "", "привет", "a▁b")) {
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text.replace('▁', ' '));
        }
        assertThat(tokenizer.encode("2024")).hasSize(5);
    }

    @ParameterizedTest
    @EnumSource(TokenizerLayout.class)
    void fixedPiecesAreThoseOfTheRealTokenizers(TokenizerLayout layout) throws IOException {
        assumeTrue(Fixtures.present(), Fixtures.ABSENT);
        String name = "conformance/tokenizer.model." + (layout == TokenizerLayout.V1 ? "v1" : "v3");
        Path file = Fixtures.path(name);
        Vocabulary real = SentencePieceModel.parse(name, Files.readAllBytes(file));
        List<TokenizerLayout.Fixed> fixed = layout.fixed();
        assertThat(fixed).hasSize(layout == TokenizerLayout.V1 ? 259 : 1027);
        for (int id = 0; id < fixed.size(); id++) {
            assertThat(fixed.get(id)).isEqualTo(new TokenizerLayout.Fixed(real.piece(id), real.type(id)));
        }
        assertThat(real.piece(fixed.size())).isEqualTo("▁▁");
    }

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        Vocabulary vocabulary = new TokenizerTraining(1100, TokenizerLayout.V3, 1).learn(corpus(TEXT.repeat(2)), NONE);
        Path file = folder.resolve("tokenizer.model");
        SentencePieceWriter.write(file, vocabulary);
        Vocabulary read = SentencePieceModel.parse("tokenizer.model", Files.readAllBytes(file));
        assertThat(read.size()).isEqualTo(1100);
        for (int id = 0; id < read.size(); id++) {
            assertThat(read.piece(id)).isEqualTo(vocabulary.piece(id));
            assertThat(read.score(id)).isEqualTo(vocabulary.score(id));
            assertThat(read.type(id)).isEqualTo(vocabulary.type(id));
        }
        assertThat(List.of(read.unkId(), read.bosId(), read.eosId())).containsExactly(0, 1, 2);
        assertThat(read.addDummyPrefix()).isTrue();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void theOrderOfFilesDoesNotMatter() throws IOException {
        Path one = Files.writeString(folder.resolve("one"), TEXT);
        Path two = Files.writeString(folder.resolve("two"), TEXT.toUpperCase(Locale.ROOT) + TEXT);
        TokenizerTraining training = new TokenizerTraining(1130, TokenizerLayout.V3, 0.999);
        assertThat(SentencePieceWriter.bytes(training.learn(List.of(one, two), Optional.empty())))
                .isEqualTo(SentencePieceWriter.bytes(training.learn(List.of(two, one), Optional.empty())));
    }

    @Test
    void rareCharactersAreLeftToBytes() throws IOException {
        Vocabulary all = learn("ab ".repeat(2000) + "ß", 279);
        assertThat(all.piece(278)).isEqualTo("ß");
        Vocabulary covered = new TokenizerTraining(279, TokenizerLayout.V1, TokenizerTraining.DEFAULT_COVERAGE)
                .learn(corpus("ab ".repeat(2000) + "ß"), NONE);
        assertThat(Set.of(covered.piece(276), covered.piece(277), covered.piece(278)))
                .containsExactlyInAnyOrder("▁", "a", "b");
    }

    @Test
    void whatCannotBeLearnedIsSaid() throws IOException {
        assertThatThrownBy(() -> learn("abcdefg", 279))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the text has 8 different characters; a vocabulary of 279 has room for 5: ask for 282 pieces or"
                                + " more, or a smaller character coverage");
        assertThatThrownBy(() -> learn("ab ab ab", 400))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the text gives 279 pieces and no more; give more text, or ask for at most so many, got 400");
        assertThatThrownBy(() -> new TokenizerTraining(1000, TokenizerLayout.V3, 1))
                .hasMessage("a vocabulary of layout V3 has 1043 to 1048576 pieces, got 1000");
        assertThatThrownBy(() -> new TokenizerTraining(2000, TokenizerLayout.V3, Double.NaN))
                .hasMessage("character coverage must lie between 0 and 1, got NaN");
        assertThatThrownBy(() -> TokenizerLayout.of("v2")).hasMessage("--layout must be v1 or v3, got v2");
        Path binary = Files.write(folder.resolve("binary"), "a\u00e9".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() ->
                        new TokenizerTraining(400, TokenizerLayout.V1, 1).learn(List.of(binary), Optional.empty()))
                .isInstanceOf(IOException.class)
                .hasMessage(binary + ": expected text in UTF-8, found other bytes");
    }
}
