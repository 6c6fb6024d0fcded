package io.github.mixtral4j.train.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PhrasesTest {
    /// Frames of JSON are common in it, the words of the second line rare: their merges make room.
    private static final String TEXT =
            "{\"name\": \"cat\", \"type\": \"pet\"}\n{\"name\": \"Lisa\", \"type\": \"person\"} or the cat's name: cat.\n"
                            .repeat(9)
                    + "wandering merchants brought precious silks through seventeen mountainous kingdoms\n".repeat(2);

    private static final int SIZE = 370;

    @TempDir
    Path folder;

    private static Vocabulary learn(List<String> phrases) throws IOException {
        return learn(TEXT, phrases);
    }

    private static Vocabulary learn(String text, List<String> phrases) throws IOException {
        Corpus corpus = new Corpus();
        corpus.add(new StringReader(text));
        return new TokenizerTraining(SIZE, TokenizerLayout.V1, 1).learn(corpus, Phrases.of(phrases));
    }

    private static List<String> pieces(Vocabulary vocabulary, String text) {
        Tokenizer tokenizer = Tokenizer.of(vocabulary);
        return Arrays.stream(tokenizer.encode(text)).mapToObj(tokenizer::piece).toList();
    }

    @Test
    void eachIsOnePiece() throws IOException {
        Vocabulary vocabulary = learn(List.of("▁{\"name\": \"", "", "\",▁\"type\":▁\"", "\"}"));
        assertThat(vocabulary.size()).isEqualTo(SIZE);
        assertThat(pieces(vocabulary, "{\"name\": \"cat\", \"type\": \"Lisa\"}"))
                .containsExactly("▁{\"name\":▁\"", "cat", "\",▁\"type\":▁\"", "Lisa", "\"}");
    }

    @Test
    void otherTextKeepsItsPieces() throws IOException {
        List<String> texts =
                List.of("the cat's name: cat.", "{ \"names\" : \"Lisa\" }", "type, person", " \" {", "né 😀");
        Vocabulary without = learn(List.of());
        Vocabulary with = learn(List.of("▁{\"name\": \"", "\",▁\"type\":▁\""));
        for (String text : texts) {
            assertThat(pieces(with, text)).isEqualTo(pieces(without, text));
        }
    }

    @Test
    void theirMergesComeBehindThoseThatAreKept() throws IOException {
        List<String> without = merges(learn(List.of()));
        List<String> with = merges(learn(List.of("\": \"")));
        assertThat(with).hasSameSizeAs(without).last().isEqualTo("\":▁\"");
        assertThat(with.subList(0, with.size() - 1)).isEqualTo(without.subList(0, with.size() - 1));
    }

    private static List<String> merges(Vocabulary vocabulary) {
        List<String> merges = new ArrayList<>();
        for (int id = 259 + 15; id < vocabulary.size(); id++) {
            if (vocabulary.piece(id).length() > 1) {
                merges.add(vocabulary.piece(id));
            }
        }
        return merges;
    }

    @Test
    void areReadFromAFile() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), TEXT);
        Path phrases = Files.writeString(folder.resolve("phrases"), "\n\": \"\n");
        Vocabulary vocabulary =
                new TokenizerTraining(SIZE, TokenizerLayout.V1, 1).learn(List.of(text), Optional.of(phrases));
        assertThat(pieces(vocabulary, "name\": \"cat")).contains("\":▁\"");
        Files.write(phrases, new byte[] {'a', (byte) 0xE9});
        assertThatThrownBy(() ->
                        new TokenizerTraining(SIZE, TokenizerLayout.V1, 1).learn(List.of(text), Optional.of(phrases)))
                .isInstanceOf(IOException.class)
                .hasMessage(phrases + ": expected text in UTF-8, found other bytes");
    }

    @Test
    void whatCannotBeMadeIsSaid() {
        assertThatThrownBy(() -> learn(List.of("name µ")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "the phrase name▁µ has a character that got no piece of its own; the text has too little of it");
        String repeated = "name cat ".repeat(20);
        assertThatThrownBy(() -> learn(List.of(repeated, "the " + repeated)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("the phrases need more than the \\d+ pieces that this vocabulary has room for;.*");
        assertThatThrownBy(() -> learn(TEXT + "</s>\n".repeat(9), List.of("</s>▁cat")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the phrases make a piece </s> of text, which layout V1 has as a mark that text must never"
                        + " become; leave it out of them");
        assertThatThrownBy(() -> learn(List.of(repeated.repeat(2))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("a phrase has at most 256 characters, got 360: name▁cat▁");
    }
}
