package io.github.mixtral4j.train.tokenizer;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.lang.Character.UnicodeScript;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/// Counts the characters of a corpus, and the stretches of text inside which pieces may grow.
///
/// A stretch is a word with the space before it, `▁word`, and ends where SentencePiece's trainer lets no piece go on:
/// before a space, at a digit (each stands alone), where the script changes (punctuation is one of its own). Every line
/// begins with a space, as every text does when it is encoded. Line breaks and other control characters belong to no
/// piece; bytes stand for them.
///
/// Source: `IsValidSentencePiece` and `SplitIntoWords` of sentencepiece, with the options of Mistral's tokenizers.
final class Corpus {
    static final char SPACE = '▁';

    /// Text without any boundary is cut all the same, so that the work per stretch stays bounded; pieces are shorter.
    private static final int MAX_STRETCH = 256;

    private final Map<String, Long> stretches = new HashMap<>();
    private final Map<Integer, Long> characters = new HashMap<>();
    private final StringBuilder stretch = new StringBuilder();
    private UnicodeScript script = UnicodeScript.INHERITED;
    private boolean atLineStart = true;

    /// Adds a file.
    ///
    /// @throws IOException if it cannot be read or is not UTF-8
    void add(Path file) throws IOException {
        try (Reader reader = new InputStreamReader(
                Files.newInputStream(file),
                StandardCharsets.UTF_8
                        .newDecoder()
                        .onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT))) {
            add(reader);
        } catch (CharacterCodingException e) {
            throw new IOException(file + ": expected text in UTF-8, found other bytes", e);
        }
    }

    /// Adds a text, whose first line begins anew.
    void add(Reader reader) throws IOException {
        char[] buffer = new char[1 << 16];
        char high = 0;
        for (int length = reader.read(buffer); length >= 0; length = reader.read(buffer)) {
            for (int i = 0; i < length; i++) {
                if (Character.isHighSurrogate(buffer[i])) {
                    high = buffer[i];
                } else {
                    add(Character.isLowSurrogate(buffer[i]) ? Character.toCodePoint(high, buffer[i]) : buffer[i]);
                }
            }
        }
        lineBreak();
    }

    private void add(int character) {
        if (character == '\n') {
            lineBreak();
            return;
        }
        if (atLineStart) {
            atLineStart = false;
            addSpace();
        }
        if (character == ' ' || character == SPACE) {
            addSpace();
        } else if (isDigit(character)) {
            end();
            count(character);
        } else if (Character.isISOControl(character)) {
            end();
        } else {
            addToStretch(character);
        }
    }

    private void lineBreak() {
        end();
        atLineStart = true;
    }

    private void addSpace() {
        end();
        count(SPACE);
        stretch.append(SPACE);
    }

    private void addToStretch(int character) {
        UnicodeScript other = script(character);
        boolean joins = other == script || script == UnicodeScript.INHERITED || other == UnicodeScript.INHERITED;
        if (!joins || stretch.length() >= MAX_STRETCH) {
            end();
        }
        if (other != UnicodeScript.INHERITED) {
            script = other;
        }
        count(character);
        stretch.appendCodePoint(character);
    }

    private void end() {
        if (stretch.length() > 1) {
            stretches.merge(stretch.toString(), 1L, Long::sum);
        }
        stretch.setLength(0);
        script = UnicodeScript.INHERITED;
    }

    private void count(int character) {
        characters.merge(character, 1L, Long::sum);
    }

    /// The script a character belongs to; INHERITED goes with every other. Japanese mixes three.
    private static UnicodeScript script(int character) {
        UnicodeScript script = UnicodeScript.of(character);
        return script == UnicodeScript.HIRAGANA || script == UnicodeScript.KATAKANA ? UnicodeScript.HAN : script;
    }

    private static boolean isDigit(int character) {
        return (character >= '0' && character <= '9') || (character >= '０' && character <= '９');
    }

    /// How often each stretch of two characters and more occurs.
    Map<String, Long> stretches() {
        return stretches;
    }

    /// How often each character occurs.
    Map<Integer, Long> characters() {
        return characters;
    }
}
