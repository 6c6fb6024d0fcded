package io.github.mixtral4j.train.tokenizer;

import io.github.mixtral4j.checkpoint.AtomicFile;
import io.github.mixtral4j.tokenizer.PieceType;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Writes a vocabulary as `tokenizer.model`, the protobuf that SentencePiece reads.
///
/// | field of `ModelProto` | what is written of it |
/// |---|---|
/// | 1 `pieces` | 1 `piece`, 2 `score`, 3 `type` |
/// | 2 `trainer_spec` | 3 `model_type` BPE, 4 `vocab_size`, 20 to 26 how pieces were cut, 35 `byte_fallback`, |
/// | | 40 to 43 the ids of `<unk>`, `<s>`, `</s>` and of no padding |
/// | 3 `normalizer_spec` | 1 `name` identity, 3 `add_dummy_prefix`, 4 `remove_extra_whitespaces`, |
/// | | 5 `escape_whitespaces` |
///
/// Source: sentencepiece_model.proto in github.com/google/sentencepiece.
public final class SentencePieceWriter {
    private static final int VARINT = 0;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;
    private static final int BPE = 2;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private SentencePieceWriter() {}

    /// Writes a file, replacing one of this name when complete.
    ///
    /// @throws IOException if the disk is full or the folder cannot be written
    public static void write(Path file, Vocabulary vocabulary) throws IOException {
        AtomicFile.write(file, bytes(vocabulary));
    }

    /// The content of the file.
    public static byte[] bytes(Vocabulary vocabulary) {
        SentencePieceWriter model = new SentencePieceWriter();
        for (int id = 0; id < vocabulary.size(); id++) {
            model.message(1, piece(vocabulary, id));
        }
        model.message(2, trainer(vocabulary));
        model.message(3, normalizer(vocabulary));
        return model.out.toByteArray();
    }

    private static SentencePieceWriter piece(Vocabulary vocabulary, int id) {
        SentencePieceWriter piece = new SentencePieceWriter();
        piece.text(1, vocabulary.piece(id));
        piece.decimal(2, vocabulary.score(id));
        if (vocabulary.type(id) != PieceType.NORMAL) {
            piece.number(3, vocabulary.type(id).code());
        }
        return piece;
    }

    private static SentencePieceWriter trainer(Vocabulary vocabulary) {
        SentencePieceWriter trainer = new SentencePieceWriter();
        trainer.number(3, BPE);
        trainer.number(4, vocabulary.size());
        trainer.number(20, 16); // max_sentencepiece_length
        trainer.number(21, 1); // split_by_unicode_script
        trainer.number(22, 1); // split_by_whitespace
        trainer.number(23, 1); // split_by_number
        trainer.number(24, 0); // treat_whitespace_as_suffix
        trainer.number(25, 1); // split_digits
        trainer.number(26, 1); // allow_whitespace_only_pieces
        trainer.number(35, 1); // byte_fallback
        trainer.number(40, vocabulary.unkId());
        trainer.number(41, vocabulary.bosId());
        trainer.number(42, vocabulary.eosId());
        trainer.number(43, -1); // pad_id: none
        trainer.text(45, vocabulary.piece(vocabulary.unkId()));
        trainer.text(46, vocabulary.piece(vocabulary.bosId()));
        trainer.text(47, vocabulary.piece(vocabulary.eosId()));
        return trainer;
    }

    private static SentencePieceWriter normalizer(Vocabulary vocabulary) {
        SentencePieceWriter normalizer = new SentencePieceWriter();
        normalizer.text(1, "identity");
        normalizer.number(3, vocabulary.addDummyPrefix() ? 1 : 0);
        normalizer.number(4, 0);
        normalizer.number(5, 1);
        return normalizer;
    }

    private void message(int field, SentencePieceWriter content) {
        bytes(field, content.out.toByteArray());
    }

    private void text(int field, String text) {
        bytes(field, text.getBytes(StandardCharsets.UTF_8));
    }

    private void bytes(int field, byte[] bytes) {
        varint(field << 3 | BYTES);
        varint(bytes.length);
        out.writeBytes(bytes);
    }

    private void number(int field, long value) {
        varint(field << 3 | VARINT);
        varint(value);
    }

    private void decimal(int field, float value) {
        varint(field << 3 | FIXED32);
        int bits = Float.floatToRawIntBits(value);
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            out.write(bits >> shift);
        }
    }

    /// Seven bits a byte, lowest first; a negative number takes ten bytes.
    private void varint(long value) {
        long rest = value;
        for (; (rest & ~0x7FL) != 0; rest >>>= 7) {
            out.write((int) (rest & 0x7F | 0x80));
        }
        out.write((int) rest);
    }
}
