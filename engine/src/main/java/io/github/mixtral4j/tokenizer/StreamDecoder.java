package io.github.mixtral4j.tokenizer;

import java.nio.charset.StandardCharsets;

/// Decodes ids one at a time, giving text as soon as it is certain: never half a UTF-8 character nor half a surrogate
/// pair. All that [#push] and [#flush] return, joined, is [Tokenizer#decode] of the same ids, if all of
/// them have pieces. For one thread.
///
/// Bytes that cannot become a UTF-8 character turn into U+FFFD one by one, as sentencepiece has it. (Java's own
/// decoder makes one U+FFFD of several.)
public final class StreamDecoder {
    /// What SentencePiece writes for the unknown piece.
    private static final String UNKNOWN_SURFACE = " ⁇ ";

    private static final String REPLACEMENT = "\uFFFD";

    private final Vocabulary vocabulary;
    private final String[] surfaces;
    private final byte[] pending = new byte[4];
    private int pendingCount;
    /// Whether a `▁` that comes now is the one that encoding put in front.
    private boolean atStart;

    StreamDecoder(Vocabulary vocabulary, String[] surfaces) {
        this.vocabulary = vocabulary;
        this.surfaces = surfaces;
        this.atStart = vocabulary.addDummyPrefix();
    }

    /// What each piece is as text; byte pieces are not asked for.
    static String[] surfaces(Vocabulary vocabulary) {
        String[] surfaces = new String[vocabulary.size()];
        for (int id = 0; id < surfaces.length; id++) {
            surfaces[id] = switch (vocabulary.type(id)) {
                case NORMAL, USER_DEFINED, UNUSED -> vocabulary.piece(id).replace(Vocabulary.SPACE, ' ');
                case UNKNOWN -> UNKNOWN_SURFACE;
                case CONTROL, BYTE -> "";
            };
        }
        return surfaces;
    }

    /// Takes the next id. One beyond the vocabulary has no text and ends an incomplete character, as a
    /// control piece does: a model may have more ids than its tokenizer has pieces.
    /// @return the text that is certain now and was not before; often empty
    /// @throws IllegalArgumentException if the id is negative
    public String push(int id) {
        if (id >= vocabulary.size()) {
            return flush();
        }
        StringBuilder text = new StringBuilder();
        append(id, text);
        return text.toString();
    }

    /// Ends the text.
    /// @return U+FFFD for each byte of a character that did not get complete; else empty
    public String flush() {
        String tail = REPLACEMENT.repeat(pendingCount);
        pendingCount = 0;
        return tail;
    }

    /// As [#push], onto the end of a text.
    /// @throws IllegalArgumentException if the id is not in the vocabulary
    void append(int id, StringBuilder text) {
        PieceType type = vocabulary.type(id);
        if (type == PieceType.BYTE) {
            atStart = false;
            pending[pendingCount++] = (byte) Vocabulary.byteValue(vocabulary.piece(id));
            takePending(text);
            return;
        }
        text.append(flush());
        String surface = surfaces[id];
        if (atStart && type != PieceType.CONTROL) {
            atStart = false;
            boolean prefixed = vocabulary.piece(id).charAt(0) == Vocabulary.SPACE;
            text.append(surface, prefixed ? 1 : 0, surface.length());
        } else {
            text.append(surface);
        }
    }

    /// Moves what is certain of the pending bytes to the text; what stays may still become a character.
    private void takePending(StringBuilder text) {
        while (pendingCount > 0) {
            int length = utf8Length(pending[0] & 0xFF);
            if (length > 0 && trailBytesFit()) {
                if (pendingCount == length) {
                    text.append(new String(pending, 0, length, StandardCharsets.UTF_8));
                    pendingCount = 0;
                }
                return;
            }
            text.append(REPLACEMENT);
            pendingCount--;
            System.arraycopy(pending, 1, pending, 0, pendingCount);
        }
    }

    /// Bytes of the UTF-8 character that starts with this byte, or 0 if none does.
    private static int utf8Length(int lead) {
        if (lead < 0x80) {
            return 1;
        }
        if (lead < 0xC2 || lead > 0xF4) {
            return 0;
        }
        return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    }

    /// Whether the pending bytes after the first can stand there. After four of the leads the second byte has a
    /// smaller range, which keeps out overlong forms, surrogates and what is beyond U+10FFFF (Unicode, table 3-7).
    private boolean trailBytesFit() {
        for (int i = 1; i < pendingCount; i++) {
            int low = 0x80;
            int high = 0xBF;
            if (i == 1) {
                switch (pending[0] & 0xFF) {
                    case 0xE0 -> low = 0xA0;
                    case 0xED -> high = 0x9F;
                    case 0xF0 -> low = 0x90;
                    case 0xF4 -> high = 0x8F;
                    default -> {}
                }
            }
            int trail = pending[i] & 0xFF;
            if (trail < low || trail > high) {
                return false;
            }
        }
        return true;
    }
}
