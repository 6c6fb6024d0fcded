package io.github.mixtral4j.generate;

import io.github.mixtral4j.tokenizer.Tokenizer;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.List;

/// A small SentencePiece vocabulary for tests: `<unk>`, `<s>`, `</s>`, 256 bytes, `▁`, letters, and a few pieces.
final class TestVocabulary {
    static final int BOS = 1;
    static final int EOS = 2;
    static final int FIRST_BYTE = 3;

    private static final List<String> PIECES = pieces();
    static final int SIZE = PIECES.size();
    static final Tokenizer TOKENIZER = tokenizer();

    private TestVocabulary() {}

    /// Id of a piece, `▁` for a space.
    static int id(String piece) {
        int id = PIECES.indexOf(piece);
        if (id < 0) {
            throw new IllegalArgumentException("no piece " + piece);
        }
        return id;
    }

    static int[] ids(String... pieces) {
        int[] ids = new int[pieces.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = id(pieces[i]);
        }
        return ids;
    }

    private static List<String> pieces() {
        List<String> pieces = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        for (int b = 0; b < 256; b++) {
            pieces.add(String.format("<0x%02X>", b));
        }
        pieces.add("▁");
        for (char c = 'a'; c <= 'z'; c++) {
            pieces.add(String.valueOf(c));
        }
        pieces.addAll(List.of("\n", "U", ":", "▁a", "▁the", "th", "the", "er", "\n\n", "User", "é"));
        return pieces;
    }

    private static Tokenizer tokenizer() {
        String[] tokens = PIECES.toArray(String[]::new);
        float[] scores = new float[SIZE];
        int[] types = new int[SIZE];
        for (int id = 0; id < SIZE; id++) {
            scores[id] = -id;
            // Types as in GGUF: 1 normal, 2 unknown, 3 control, 6 byte.
            types[id] = id == 0 ? 2 : id < FIRST_BYTE ? 3 : id < FIRST_BYTE + 256 ? 6 : 1;
        }
        return Tokenizer.of(Vocabulary.ofGguf("test", tokens, scores, types, BOS, EOS, 0, true));
    }
}
