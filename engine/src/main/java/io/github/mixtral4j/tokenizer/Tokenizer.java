package io.github.mixtral4j.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;

/// Text to token ids and back, id for id as Google's sentencepiece does with the same vocabulary. Immutable; threads
/// may share it.
///
/// [#encode] never yields a control id: `[INST]` or `</s>` inside a text are plain characters. Who wants them around a
/// text puts them there by id.
public final class Tokenizer {
    /// No tokenizer file comes near; a larger one is something else, a model perhaps.
    private static final long MAX_FILE_BYTES = 256L << 20;

    /// As a tree, JSON takes up to thirty times its length; that of 8x22B has 2 MB.
    private static final long MAX_JSON_BYTES = 32L << 20;

    private final Vocabulary vocabulary;
    private final MergeTable table;
    private final SegmentCache cache = new SegmentCache();
    private final String[] surfaces;

    private Tokenizer(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        this.table = new MergeTable(vocabulary);
        this.surfaces = StreamDecoder.surfaces(vocabulary);
    }

    /// Makes a tokenizer of a vocabulary, such as one from [Vocabulary#ofGguf].
    /// @throws TokenizerException if text could be merged to an unused piece
    public static Tokenizer of(Vocabulary vocabulary) {
        return new Tokenizer(vocabulary);
    }

    /// Reads `tokenizer.model`, under whatever name, or `tokenizer.json`: the content decides.
    /// @throws IOException if the file cannot be read
    /// @throws TokenizerException if it holds no vocabulary of the kind Mixtral has
    public static Tokenizer read(Path file) throws IOException {
        String source = file.toString();
        if (Files.size(file) > MAX_FILE_BYTES) {
            throw new TokenizerException(source + ": " + Files.size(file) + " bytes, expected a tokenizer.model or"
                    + " tokenizer.json of at most " + MAX_FILE_BYTES);
        }
        byte[] bytes = Files.readAllBytes(file);
        if (!isJson(bytes)) {
            return of(SentencePieceModel.parse(source, bytes));
        }
        if (bytes.length > MAX_JSON_BYTES) {
            throw new TokenizerException(source + ": " + bytes.length + " bytes of JSON, expected a tokenizer.json of"
                    + " at most " + MAX_JSON_BYTES);
        }
        return of(TokenizerJson.parse(source, bytes));
    }

    /// JSON starts with a brace. A SentencePiece model starts with byte 10, which is white space too, but it cannot go
    /// on with white space and a brace: that would be a piece longer than the message it is in.
    private static boolean isJson(byte[] bytes) {
        for (byte b : bytes) {
            if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
                return b == '{';
            }
        }
        return false;
    }

    /// Encodes a text, without a begin-of-text id, with the vocabulary's space in front. Half of a surrogate pair has
    /// no UTF-8, so it is encoded as U+FFFD. The empty text has no ids.
    public int[] encode(String text) {
        if (text.isEmpty()) {
            return new int[0];
        }
        // A space is read as ▁, and unlike ▁ it keeps a Latin-1 string at one byte per char.
        String spaced = vocabulary.addDummyPrefix() ? " " + text : text;
        return new BpeEncoder(vocabulary, table, cache, spaced).encode();
    }

    /// The text of a whole sequence of ids: control pieces are left out, the unknown piece is ` ⁇ `, the space that
    /// encoding put in front is taken away, and each byte that is no part of a UTF-8 character is U+FFFD.
    /// @throws IllegalArgumentException if an id is not in the vocabulary
    public String decode(int... ids) {
        StreamDecoder decoder = streamDecoder();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            decoder.append(id, text);
        }
        return text.append(decoder.flush()).toString();
    }

    /// A decoder for ids that come one at a time.
    public StreamDecoder streamDecoder() {
        return new StreamDecoder(vocabulary, surfaces);
    }

    /// The pieces, their scores and types.
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /// Number of pieces.
    public int vocabSize() {
        return vocabulary.size();
    }

    /// Id of `<s>`, which begins every text a model reads.
    public int bosId() {
        return vocabulary.bosId();
    }

    /// Id of `</s>`, with which a model ends its text.
    public int eosId() {
        return vocabulary.eosId();
    }

    /// Id of `<unk>`.
    public int unkId() {
        return vocabulary.unkId();
    }

    /// The piece as the vocabulary spells it: `▁` for a space, `<0x0A>` for a byte, `[INST]` for a control piece.
    /// @throws IllegalArgumentException if no piece has that id
    public String piece(int id) {
        return vocabulary.piece(id);
    }

    /// Whether the id is of a control piece, which is no text.
    /// @throws IllegalArgumentException if no piece has that id
    public boolean isControl(int id) {
        return vocabulary.type(id) == PieceType.CONTROL;
    }

    /// Id of a control piece such as `[INST]`; empty if the vocabulary has none of that name.
    public OptionalInt controlId(String piece) {
        int id = vocabulary.reservedId(piece);
        return id >= 0 && isControl(id) ? OptionalInt.of(id) : OptionalInt.empty();
    }
}
