package io.github.mixtral4j.tokenizer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/// The pieces of a SentencePiece BPE vocabulary with their scores and types, whichever file they came from. Immutable.
///
/// A space is `▁` (U+2581) in a piece. A higher score is merged first. Every vocabulary has all 256 byte pieces, one
/// unknown piece, and control pieces for begin and end of a text.
public final class Vocabulary {
    /// What SentencePiece writes for a space.
    static final char SPACE = '▁';

    /// Longest normal or user-defined piece in chars: `max_sentencepiece_length` of SentencePiece's
    /// trainer is at most 512.
    static final int MAX_PIECE_LENGTH = 512;

    /// A bound far above real vocabularies (32 768), so that an absurd file is refused early.
    static final int MAX_PIECES = 1 << 20;

    private static final String HEX_DIGITS = "0123456789ABCDEF";

    private final String source;
    private final String[] pieces;
    private final float[] scores;
    private final PieceType[] types;
    private final int[] byteIds;
    private final Map<String, Integer> reservedIds = new HashMap<>();
    private final Map<String, Integer> textIds = new HashMap<>();
    private final int unkId;
    private final int bosId;
    private final int eosId;
    private final boolean addDummyPrefix;

    /// Takes the three arrays as its own; they have one element per id.
    /// @throws TokenizerException if they do not make a vocabulary as described above
    Vocabulary(
            String source,
            String[] pieces,
            float[] scores,
            PieceType[] types,
            int unkId,
            int bosId,
            int eosId,
            boolean addDummyPrefix) {
        this.source = source;
        this.pieces = pieces;
        this.scores = scores;
        this.types = types;
        this.unkId = unkId;
        this.bosId = bosId;
        this.eosId = eosId;
        this.addDummyPrefix = addDummyPrefix;
        checkSizes();
        for (int id = 0; id < pieces.length; id++) {
            checkPiece(id);
            Map<String, Integer> ids = isText(id) ? textIds : reservedIds;
            Integer other = ids.putIfAbsent(pieces[id], id);
            if (other != null) {
                throw new TokenizerException(source + ": pieces " + other + " and " + id + " are both "
                        + Excerpt.quote(pieces[id]) + ", expected every piece once");
            }
        }
        checkSpecial("the unknown piece", unkId, PieceType.UNKNOWN);
        checkSpecial("the piece for the begin of a text", bosId, PieceType.CONTROL);
        checkSpecial("the piece for the end of a text", eosId, PieceType.CONTROL);
        this.byteIds = findBytes();
    }

    /// The vocabulary in a GGUF file's metadata. The arrays are copied.
    ///
    /// The ids that the file declares decide over its types: converters leave the type of `<unk>` or of an added
    /// end-of-turn mark wrong, and a mark must never come out of text.
    /// @param source the name of the file, for errors
    /// @param tokens `tokenizer.ggml.tokens`
    /// @param scores `tokenizer.ggml.scores`
    /// @param tokenTypes `tokenizer.ggml.token_type`
    /// @param bosId `tokenizer.ggml.bos_token_id`
    /// @param eosId `tokenizer.ggml.eos_token_id`
    /// @param unkId `tokenizer.ggml.unknown_token_id`
    /// @param addSpacePrefix `tokenizer.ggml.add_space_prefix`, true when absent
    /// @throws TokenizerException if the arrays do not make a vocabulary
    public static Vocabulary ofGguf(
            String source,
            String[] tokens,
            float[] scores,
            int[] tokenTypes,
            int bosId,
            int eosId,
            int unkId,
            boolean addSpacePrefix) {
        if (tokenTypes.length != tokens.length) {
            throw new TokenizerException(source + ": tokenizer.ggml.token_type has " + tokenTypes.length
                    + " elements, expected " + tokens.length + " as tokenizer.ggml.tokens");
        }
        PieceType[] types = new PieceType[tokens.length];
        for (int id = 0; id < types.length; id++) {
            if (id == unkId) {
                types[id] = PieceType.UNKNOWN;
            } else if (id == bosId || id == eosId) {
                types[id] = PieceType.CONTROL;
            } else {
                types[id] = PieceType.of(tokenTypes[id], source, id);
            }
        }
        return new Vocabulary(source, tokens.clone(), scores.clone(), types, unkId, bosId, eosId, addSpacePrefix);
    }

    /// Where this vocabulary came from: the name of a file.
    public String source() {
        return source;
    }

    /// Number of pieces; ids are 0 to size - 1.
    public int size() {
        return pieces.length;
    }

    /// The piece as the file spells it: `▁` for a space, `<0x0A>` for a byte.
    /// @throws IllegalArgumentException if no piece has that id
    public String piece(int id) {
        return pieces[checked(id)];
    }

    /// The merge score; higher is merged first.
    /// @throws IllegalArgumentException if no piece has that id
    public float score(int id) {
        return scores[checked(id)];
    }

    /// What the piece is for.
    /// @throws IllegalArgumentException if no piece has that id
    public PieceType type(int id) {
        return types[checked(id)];
    }

    /// Id of the unknown piece, `<unk>`.
    public int unkId() {
        return unkId;
    }

    /// Id of the control piece that begins a text, `<s>`.
    public int bosId() {
        return bosId;
    }

    /// Id of the control piece that ends a text, `</s>`.
    public int eosId() {
        return eosId;
    }

    /// Whether a text is encoded with a space in front of it, which decoding takes away again.
    public boolean addDummyPrefix() {
        return addDummyPrefix;
    }

    /// Id of the normal, user-defined or unused piece spelled like this, or -1.
    int textId(String piece) {
        return textIds.getOrDefault(piece, -1);
    }

    /// Id of the control, unknown or byte piece spelled like this, or -1.
    int reservedId(String piece) {
        return reservedIds.getOrDefault(piece, -1);
    }

    /// Id of the piece for a byte, 0 to 255.
    int byteId(int value) {
        return byteIds[value];
    }

    private boolean isText(int id) {
        return switch (types[id]) {
            case NORMAL, USER_DEFINED, UNUSED -> true;
            case UNKNOWN, CONTROL, BYTE -> false;
        };
    }

    private int checked(int id) {
        if (id < 0 || id >= pieces.length) {
            throw new IllegalArgumentException("token id must be 0 to " + (pieces.length - 1) + " (" + source + " has "
                    + pieces.length + " pieces), got " + id);
        }
        return id;
    }

    private void checkSizes() {
        if (pieces.length == 0 || pieces.length > MAX_PIECES) {
            throw new TokenizerException(
                    source + ": " + pieces.length + " pieces, expected 1 to " + MAX_PIECES + " (not a vocabulary?)");
        }
        if (scores.length != pieces.length || types.length != pieces.length) {
            throw new TokenizerException(source + ": " + pieces.length + " pieces, " + scores.length + " scores and "
                    + types.length + " types, expected as many of each");
        }
    }

    private void checkPiece(int id) {
        String piece = Objects.requireNonNull(pieces[id]);
        if (piece.isEmpty()) {
            throw new TokenizerException(source + ": piece " + id + " is empty");
        }
        boolean foundInText = types[id] == PieceType.NORMAL || types[id] == PieceType.USER_DEFINED;
        if (foundInText && piece.length() > MAX_PIECE_LENGTH) {
            throw new TokenizerException(source + ": piece " + id + " is " + piece.length()
                    + " characters long, at most " + MAX_PIECE_LENGTH + " are expected of type " + types[id]);
        }
        if (types[id] == PieceType.NORMAL && piece.indexOf(' ') >= 0) {
            throw new TokenizerException(
                    source + ": piece " + id + " " + Excerpt.quote(piece) + " holds a space, expected ▁ in its place");
        }
        if (hasLoneSurrogate(piece)) {
            throw new TokenizerException(source + ": piece " + id + " holds half of a surrogate pair");
        }
        if (!Float.isFinite(scores[id])) {
            throw new TokenizerException(source + ": piece " + id + " " + Excerpt.quote(piece) + " has score "
                    + scores[id] + ", expected a number");
        }
    }

    private void checkSpecial(String what, int id, PieceType type) {
        if (id < 0 || id >= pieces.length) {
            throw new TokenizerException(
                    source + ": " + what + " has id " + id + ", expected 0 to " + (pieces.length - 1));
        }
        if (types[id] != type) {
            throw new TokenizerException(source + ": " + what + ", " + id + " " + Excerpt.quote(pieces[id])
                    + ", has type " + types[id] + ", expected " + type);
        }
        if (type == PieceType.UNKNOWN) {
            for (int other = 0; other < types.length; other++) {
                if (types[other] == type && other != id) {
                    throw new TokenizerException(
                            source + ": pieces " + id + " and " + other + " are both of type UNKNOWN, expected one");
                }
            }
        }
    }

    private int[] findBytes() {
        int[] ids = new int[256];
        Arrays.fill(ids, -1);
        for (int id = 0; id < pieces.length; id++) {
            if (types[id] == PieceType.BYTE) {
                int value = byteValue(pieces[id]);
                if (value < 0) {
                    throw new TokenizerException(source + ": piece " + id + " " + Excerpt.quote(pieces[id])
                            + " has type BYTE, expected a name such as <0x0A>");
                }
                ids[value] = id;
            }
        }
        for (int value = 0; value < ids.length; value++) {
            if (ids[value] < 0) {
                throw new TokenizerException(source + ": no piece " + byteName(value)
                        + " of type BYTE; expected all 256, characters without a piece are spelled with them");
            }
        }
        return ids;
    }

    /// The byte that a piece such as `<0x0A>` stands for, or -1 when the piece is not spelled so.
    static int byteValue(String piece) {
        if (piece.length() != 6 || !piece.startsWith("<0x") || piece.charAt(5) != '>') {
            return -1;
        }
        int high = HEX_DIGITS.indexOf(piece.charAt(3));
        int low = HEX_DIGITS.indexOf(piece.charAt(4));
        return high < 0 || low < 0 ? -1 : 16 * high + low;
    }

    private static String byteName(int value) {
        return "<0x" + HEX_DIGITS.charAt(value >> 4) + HEX_DIGITS.charAt(value & 15) + ">";
    }

    private static boolean hasLoneSurrogate(String text) {
        return text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }
}
