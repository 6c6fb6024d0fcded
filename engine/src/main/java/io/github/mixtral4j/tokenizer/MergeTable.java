package io.github.mixtral4j.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/// What [BpeEncoder] needs to know of a vocabulary, in flat tables. Immutable.
///
/// A **symbol** is the id of a piece, or, for a character that occurs inside pieces but is none itself, a number from
/// `vocabulary.size()` up: a vocabulary may hold `in` without `i`. Characters in no piece are [#NO_SYMBOL].
final class MergeTable {
    static final int NO_SYMBOL = -1;

    /// Bits of the filter of neighbours; v1 and v3 have 2909 different pairs of characters, so that about 0.3 % of
    /// the pairs that no piece contains pass it.
    private static final int NEIGHBOUR_BITS = 1 << 20;

    private final Vocabulary vocabulary;
    private final int[] symbolOfChar = new int[1 << Character.SIZE];
    private final Map<Integer, Integer> symbolOfSupplementary = new HashMap<>();
    private final int[] characterOfExtra;
    private final LongIntMap merges = new LongIntMap();
    private final int[] rankOfPiece;
    private final BitSet neighbours = new BitSet(NEIGHBOUR_BITS);
    private final LongIntMap userDefined = new LongIntMap();
    private final LongIntMap userDefinedEnds = new LongIntMap();
    private final BitSet userDefinedStarts = new BitSet();

    MergeTable(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        this.characterOfExtra = assignSymbols();
        this.rankOfPiece = ranks();
        int nodes = 1;
        for (int id = 0; id < vocabulary.size(); id++) {
            switch (vocabulary.type(id)) {
                case NORMAL -> addMerges(id);
                case USER_DEFINED -> nodes = addUserDefined(id, nodes);
                case UNUSED -> refuseIfReachable(id);
                case UNKNOWN, CONTROL, BYTE -> {}
            }
        }
    }

    /// The symbol a character starts as; a space is `▁`.
    int symbolOf(int character) {
        return character < symbolOfChar.length
                ? symbolOfChar[character]
                : symbolOfSupplementary.getOrDefault(character, NO_SYMBOL);
    }

    /// The character of a symbol that is no piece.
    int characterOf(int symbol) {
        return characterOfExtra[symbol - vocabulary.size()];
    }

    /// @return the id of the piece that two neighbouring symbols make, or -1
    int merge(int left, int right) {
        return merges.get(key(left, right));
    }

    /// Place of a piece in the order of merging, 0 first; equal for equal scores.
    int rank(int id) {
        return rankOfPiece[id];
    }

    /// Whether a piece may contain these two characters side by side. False is certain, true may be a collision.
    ///
    /// No merge crosses a place where this is false, so that the text can be cut there: the parts do not know of
    /// each other, and in each the best pair is chosen as it would be in the whole.
    boolean mayJoin(int left, int right) {
        return left >= 0 && right >= 0 && neighbours.get(neighbourBit(left, right));
    }

    /// The longest user-defined piece that the text has at an index, or -1.
    int userDefinedAt(String text, int index) {
        if (!userDefinedStarts.get(spaced(text.charAt(index)))) {
            return -1;
        }
        int found = -1;
        int node = 0;
        for (int i = index; i < text.length(); i++) {
            node = userDefined.get(key(node, spaced(text.charAt(i))));
            if (node < 0) {
                break;
            }
            int id = userDefinedEnds.get(node);
            found = id >= 0 ? id : found;
        }
        return found;
    }

    private static char spaced(char c) {
        return c == ' ' ? Vocabulary.SPACE : c;
    }

    private static long key(int left, int right) {
        return ((long) left << Integer.SIZE) | right;
    }

    private static int neighbourBit(int left, int right) {
        int mixed = left * 0x9E3779B1 + right * 0x85EBCA6B;
        return (mixed ^ (mixed >>> 15)) & (NEIGHBOUR_BITS - 1);
    }

    /// Gives every character in a normal piece a symbol.
    /// @return the characters of the symbols from `vocabulary.size()` up
    private int[] assignSymbols() {
        Arrays.fill(symbolOfChar, NO_SYMBOL);
        int[] extras = new int[16];
        int count = 0;
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.type(id) != PieceType.NORMAL) {
                continue;
            }
            for (int character : vocabulary.piece(id).codePoints().toArray()) {
                if (symbolOf(character) == NO_SYMBOL) {
                    int symbol = normalId(Character.toString(character));
                    if (symbol < 0) {
                        extras = count == extras.length ? Arrays.copyOf(extras, 2 * count) : extras;
                        extras[count] = character;
                        symbol = vocabulary.size() + count++;
                    }
                    setSymbol(character, symbol);
                }
            }
        }
        symbolOfChar[' '] = symbolOfChar[Vocabulary.SPACE];
        return Arrays.copyOf(extras, count);
    }

    private void setSymbol(int character, int symbol) {
        if (character < symbolOfChar.length) {
            symbolOfChar[character] = symbol;
        } else {
            symbolOfSupplementary.put(character, symbol);
        }
    }

    private int[] ranks() {
        float[] scores = new float[vocabulary.size()];
        for (int id = 0; id < scores.length; id++) {
            // + 0f makes -0 and 0 one score, as they compare equal where SentencePiece compares them.
            scores[id] = vocabulary.score(id) + 0f;
        }
        float[] sorted = scores.clone();
        Arrays.sort(sorted);
        Map<Float, Integer> rankOfScore = new HashMap<>();
        for (int i = sorted.length - 1; i >= 0; i--) {
            rankOfScore.putIfAbsent(sorted[i], rankOfScore.size());
        }
        int[] ranks = new int[scores.length];
        Arrays.setAll(ranks, id -> rankOfScore.getOrDefault(scores[id], 0));
        return ranks;
    }

    private void addMerges(int id) {
        String piece = vocabulary.piece(id);
        int previous = NO_SYMBOL;
        for (int i = 0; i < piece.length(); i += Character.charCount(piece.codePointAt(i))) {
            int symbol = symbolOf(piece.codePointAt(i));
            if (i > 0) {
                neighbours.set(neighbourBit(previous, symbol));
                int left = symbolOf(piece.substring(0, i));
                int right = symbolOf(piece.substring(i));
                if (left >= 0 && right >= 0) {
                    merges.put(key(left, right), id);
                }
            }
            previous = symbol;
        }
    }

    /// The symbol spelled like this: a normal piece or a single character of one, else [#NO_SYMBOL].
    private int symbolOf(String piece) {
        return piece.codePointCount(0, piece.length()) == 1 ? symbolOf(piece.codePointAt(0)) : normalId(piece);
    }

    private int normalId(String piece) {
        int id = vocabulary.textId(piece);
        return id >= 0 && vocabulary.type(id) == PieceType.NORMAL ? id : NO_SYMBOL;
    }

    private int addUserDefined(int id, int nodes) {
        String piece = vocabulary.piece(id);
        int count = nodes;
        int node = 0;
        for (int i = 0; i < piece.length(); i++) {
            long key = key(node, piece.charAt(i));
            node = userDefined.get(key);
            if (node < 0) {
                node = count++;
                userDefined.put(key, node);
            }
        }
        userDefinedStarts.set(piece.charAt(0));
        userDefinedEnds.put(node, id);
        return count;
    }

    /// SentencePiece takes an unused piece that text reached apart again, by the last pair it saw making it. Padding
    /// such as `[PAD32000]` is out of reach of any text, and no other unused pieces are known.
    private void refuseIfReachable(int id) {
        String piece = vocabulary.piece(id);
        if (piece.length() > 2 * Vocabulary.MAX_PIECE_LENGTH) {
            // The two that merge are normal pieces or characters, which are shorter. Trying every place would take
            // time with the square of the length.
            return;
        }
        boolean reachable = piece.codePointCount(0, piece.length()) == 1;
        for (int i = piece.offsetByCodePoints(0, 1); i < piece.length() && !reachable; ) {
            reachable = symbolOf(piece.substring(0, i)) >= 0 && symbolOf(piece.substring(i)) >= 0;
            i += Character.charCount(piece.codePointAt(i));
        }
        if (reachable) {
            throw new TokenizerException(vocabulary.source() + ": piece " + id + " " + Excerpt.quote(piece)
                    + " is UNUSED but text can be merged to it, expected padding only");
        }
    }
}
