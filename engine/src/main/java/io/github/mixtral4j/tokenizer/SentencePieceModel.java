package io.github.mixtral4j.tokenizer;

import java.util.ArrayList;
import java.util.List;

/// Reads a vocabulary from `tokenizer.model`, the protobuf that SentencePiece writes.
///
/// | field of `ModelProto` | what is read of it |
/// |---|---|
/// | 1 `pieces` | 1 `piece`, 2 `score`, 3 `type` |
/// | 2 `trainer_spec` | 3 `model_type`, 24 `treat_whitespace_as_suffix`, 35 `byte_fallback`, 46 `bos_piece`, |
/// | | 47 `eos_piece` |
/// | 3 `normalizer_spec` | 2 `precompiled_charsmap`, 3 `add_dummy_prefix`, 4 `remove_extra_whitespaces`, |
/// | | 5 `escape_whitespaces` |
///
/// Source: sentencepiece_model.proto in github.com/google/sentencepiece.
public final class SentencePieceModel {
    private static final String[] MODEL_TYPES = {"?", "UNIGRAM", "BPE", "WORD", "CHAR"};
    private static final int BPE = 2;

    private final String source;
    private final List<String> pieces = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<PieceType> types = new ArrayList<>();
    // The values that the .proto file gives to fields that are absent.
    private long modelType = 1;
    private boolean byteFallback;
    private boolean treatWhitespaceAsSuffix;
    private String bosPiece = "<s>";
    private String eosPiece = "</s>";
    private boolean changesText;
    private boolean addDummyPrefix = true;
    private boolean removeExtraWhitespaces = true;
    private boolean escapeWhitespaces = true;

    private SentencePieceModel(String source) {
        this.source = source;
    }

    /// Reads a vocabulary.
    /// @param source the name of the file, for errors
    /// @param bytes the whole file; borrowed
    /// @throws TokenizerException if it is not a SentencePiece model of the kind Mixtral has: BPE with
    ///     byte fallback and no normalization
    public static Vocabulary parse(String source, byte[] bytes) {
        SentencePieceModel model = new SentencePieceModel(source);
        ProtobufReader reader = new ProtobufReader(source, bytes);
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> model.readPiece(reader.message("pieces"));
                case 2 -> model.readTrainer(reader.message("trainer_spec"));
                case 3 -> model.readNormalizer(reader.message("normalizer_spec"));
                default -> reader.skip();
            }
        }
        return model.vocabulary();
    }

    private void readPiece(ProtobufReader reader) {
        String piece = "";
        float score = 0;
        PieceType type = PieceType.NORMAL;
        while (reader.next()) {
            switch (reader.field()) {
                case 1 -> piece = reader.text("piece");
                case 2 -> score = reader.decimal("score");
                case 3 -> type = PieceType.of(reader.number("type"), source, pieces.size());
                default -> reader.skip();
            }
        }
        if (pieces.size() == Vocabulary.MAX_PIECES) {
            throw new TokenizerException(source + ": more than " + Vocabulary.MAX_PIECES + " pieces");
        }
        pieces.add(piece);
        scores.add(score);
        types.add(type);
    }

    private void readTrainer(ProtobufReader reader) {
        while (reader.next()) {
            switch (reader.field()) {
                case 3 -> modelType = reader.number("model_type");
                case 24 -> treatWhitespaceAsSuffix = reader.number("treat_whitespace_as_suffix") != 0;
                case 35 -> byteFallback = reader.number("byte_fallback") != 0;
                case 46 -> bosPiece = reader.text("bos_piece");
                case 47 -> eosPiece = reader.text("eos_piece");
                default -> reader.skip();
            }
        }
    }

    private void readNormalizer(ProtobufReader reader) {
        while (reader.next()) {
            switch (reader.field()) {
                case 2 -> changesText = reader.byteCount("precompiled_charsmap") > 0;
                case 3 -> addDummyPrefix = reader.number("add_dummy_prefix") != 0;
                case 4 -> removeExtraWhitespaces = reader.number("remove_extra_whitespaces") != 0;
                case 5 -> escapeWhitespaces = reader.number("escape_whitespaces") != 0;
                default -> reader.skip();
            }
        }
    }

    private Vocabulary vocabulary() {
        if (pieces.isEmpty()) {
            throw new TokenizerException(source + ": no pieces, expected a SentencePiece model");
        }
        if (modelType != BPE) {
            String found = modelType > 0 && modelType < MODEL_TYPES.length
                    ? MODEL_TYPES[(int) modelType]
                    : Long.toString(modelType);
            throw new TokenizerException(source + ": model_type is " + found + ", expected BPE as Mixtral's");
        }
        refuse(!byteFallback, "byte_fallback is off");
        refuse(changesText, "the normalizer changes characters");
        refuse(removeExtraWhitespaces, "remove_extra_whitespaces is on");
        refuse(!escapeWhitespaces, "escape_whitespaces is off");
        refuse(treatWhitespaceAsSuffix, "treat_whitespace_as_suffix is on");
        float[] scoreArray = new float[scores.size()];
        for (int id = 0; id < scoreArray.length; id++) {
            scoreArray[id] = scores.get(id);
        }
        return new Vocabulary(
                source,
                pieces.toArray(String[]::new),
                scoreArray,
                types.toArray(PieceType[]::new),
                types.indexOf(PieceType.UNKNOWN),
                pieces.indexOf(bosPiece),
                pieces.indexOf(eosPiece),
                addDummyPrefix);
    }

    private void refuse(boolean condition, String what) {
        if (condition) {
            throw new TokenizerException(source + ": " + what + ", which Mixtral's tokenizers never have");
        }
    }
}
