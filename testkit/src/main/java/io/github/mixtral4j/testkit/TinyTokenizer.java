package io.github.mixtral4j.testkit;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/// A small vocabulary in the layout of Mixtral's, with seeded nonsense for words: special pieces, 256 bytes, spaces,
/// merged pieces by falling score, single characters. Gives the arrays that GGUF stores, a `tokenizer.model`, and the
/// `tokenizer.json` a converter would make of it.
public final class TinyTokenizer {
    /// How `tokenizer.json` says that spaces become `▁`.
    public enum JsonStyle {
        /// A normalizer of Prepend and Replace, merges as `"a b"`: the older files.
        NORMALIZER,
        /// A Metaspace pre-tokenizer, merges as `["a", "b"]`: the newer files.
        METASPACE
    }

    private static final String[] V3_CONTROLS = {
        "[INST]",
        "[/INST]",
        "[TOOL_CALLS]",
        "[AVAILABLE_TOOLS]",
        "[/AVAILABLE_TOOLS]",
        "[TOOL_RESULTS]",
        "[/TOOL_RESULTS]",
        "[IMG]",
        "[PREFIX]",
        "[MIDDLE]",
        "[SUFFIX]"
    };

    /// Single characters, of one to four bytes in UTF-8.
    private static final String CHARACTERS = "▁abcdefghijklmnopqrstuvwxyz0123456789.,:\"{}[]éпри你😀";

    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    private static final int BYTE = 6;

    /// What Mistral's vocabularies give to pieces of spaces only.
    private static final float SPACES_SCORE = -1e9f;

    private final List<String> pieces = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();

    private TinyTokenizer() {}

    /// The layout of v3: control pieces 3 to 750, `[REFERENCE_DOC_n]` user-defined to 770, bytes to 1026.
    /// @param vocabSize at least 1100
    public static TinyTokenizer v3(int vocabSize) {
        requireSize(vocabSize, 1100);
        TinyTokenizer tokenizer = new TinyTokenizer();
        tokenizer.addMarks();
        for (String control : V3_CONTROLS) {
            tokenizer.add(control, 0, CONTROL);
        }
        for (int n = 12; tokenizer.pieces.size() <= 750; n++) {
            tokenizer.add("[control_" + n + "]", 0, CONTROL);
        }
        for (int n = 19; n >= 0; n--) {
            tokenizer.add("[REFERENCE_DOC_" + n + "]", 0, USER_DEFINED);
        }
        tokenizer.addBytesAndText(vocabSize);
        return tokenizer;
    }

    /// The layout of v1: no control pieces but `<s>` and `</s>`, bytes 3 to 258.
    /// @param vocabSize at least 400
    public static TinyTokenizer v1(int vocabSize) {
        requireSize(vocabSize, 400);
        TinyTokenizer tokenizer = new TinyTokenizer();
        tokenizer.addMarks();
        tokenizer.addBytesAndText(vocabSize);
        return tokenizer;
    }

    /// Any vocabulary, given by the three arrays that GGUF stores; not checked, so that tests can write bad ones.
    public static TinyTokenizer of(String[] pieces, float[] scores, int[] types) {
        TinyTokenizer tokenizer = new TinyTokenizer();
        for (int id = 0; id < pieces.length; id++) {
            tokenizer.add(pieces[id], scores[id], types[id]);
        }
        return tokenizer;
    }

    /// The pieces by id, as `tokenizer.ggml.tokens`.
    public String[] pieces() {
        return pieces.toArray(String[]::new);
    }

    /// The scores by id, as `tokenizer.ggml.scores`.
    public float[] scores() {
        float[] values = new float[scores.size()];
        for (int id = 0; id < values.length; id++) {
            values[id] = scores.get(id);
        }
        return values;
    }

    /// The types by id, as `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 6 byte.
    public int[] types() {
        return types.stream().mapToInt(Integer::intValue).toArray();
    }

    /// A `tokenizer.model`, byte for byte the same at every call.
    public byte[] sentencePieceModel() {
        ByteArrayOutputStream model = new ByteArrayOutputStream();
        for (int id = 0; id < pieces.size(); id++) {
            ByteArrayOutputStream piece = new ByteArrayOutputStream();
            writeBytes(piece, 1, pieces.get(id).getBytes(StandardCharsets.UTF_8));
            writeVarint(piece, 2 << 3 | 5);
            int bits = Float.floatToIntBits(scores.get(id));
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                piece.write(bits >> shift);
            }
            writeNumber(piece, 3, types.get(id));
            writeBytes(model, 1, piece.toByteArray());
        }
        ByteArrayOutputStream trainer = new ByteArrayOutputStream();
        writeNumber(trainer, 3, 2);
        writeNumber(trainer, 4, pieces.size());
        writeNumber(trainer, 35, 1);
        writeBytes(model, 2, trainer.toByteArray());
        ByteArrayOutputStream normalizer = new ByteArrayOutputStream();
        writeBytes(normalizer, 1, "identity".getBytes(StandardCharsets.UTF_8));
        writeNumber(normalizer, 3, 1);
        writeNumber(normalizer, 4, 0);
        writeBytes(model, 3, normalizer.toByteArray());
        return model.toByteArray();
    }

    /// The `tokenizer.json` that a converter makes of this vocabulary.
    public String tokenizerJson(JsonStyle style) {
        StringBuilder json = new StringBuilder("{\"version\": \"1.0\", \"added_tokens\": [");
        String comma = "";
        for (int id = 0; id < pieces.size(); id++) {
            int type = types.get(id);
            if (type == UNKNOWN || type == CONTROL || type == USER_DEFINED) {
                json.append(comma).append("{\"id\": ").append(id);
                json.append(", \"content\": ").append(quoted(pieces.get(id)));
                json.append(", \"special\": ").append(type != USER_DEFINED).append("}");
                comma = ", ";
            }
        }
        json.append("], ").append(spaces(style)).append(", \"model\": {\"type\": \"BPE\", \"dropout\": null, ");
        json.append("\"unk_token\": \"<unk>\", \"fuse_unk\": true, \"byte_fallback\": true, \"vocab\": {");
        for (int id = 0; id < pieces.size(); id++) {
            json.append(id == 0 ? "" : ", ")
                    .append(quoted(pieces.get(id)))
                    .append(": ")
                    .append(id);
        }
        json.append("}, \"merges\": [");
        comma = "";
        for (Merge merge : merges()) {
            json.append(comma).append(merge.write(style));
            comma = ", ";
        }
        return json.append("]}}").toString();
    }

    private record Merge(String left, String right, float score) {
        String write(JsonStyle style) {
            return switch (style) {
                case NORMALIZER -> quoted(left + " " + right);
                case METASPACE -> "[" + quoted(left) + ", " + quoted(right) + "]";
            };
        }
    }

    private static String spaces(JsonStyle style) {
        return switch (style) {
            case NORMALIZER ->
                "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Prepend\", \"prepend\": \"▁\"}, "
                        + "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"▁\"}]}, "
                        + "\"pre_tokenizer\": null";
            case METASPACE ->
                "\"normalizer\": null, \"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"▁\", "
                        + "\"prepend_scheme\": \"first\", \"split\": false}";
        };
    }

    /// Every pair of pieces that makes a third, best score first, then by length as transformers' converter sorts.
    private List<Merge> merges() {
        Map<String, Float> normal = new HashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            if (types.get(id) == NORMAL) {
                normal.put(pieces.get(id), scores.get(id));
            }
        }
        List<Merge> merges = new ArrayList<>();
        normal.forEach((piece, score) -> {
            for (int i = 1; i < piece.length(); i++) {
                if (normal.containsKey(piece.substring(0, i)) && normal.containsKey(piece.substring(i))) {
                    merges.add(new Merge(piece.substring(0, i), piece.substring(i), score));
                }
            }
        });
        merges.sort(Comparator.comparingDouble(Merge::score)
                .thenComparingInt(merge -> merge.left().length())
                .thenComparingInt(merge -> merge.right().length())
                .reversed());
        return merges;
    }

    private static void requireSize(int vocabSize, int least) {
        if (vocabSize < least) {
            throw new IllegalArgumentException("vocabSize must be >= " + least + ", got " + vocabSize);
        }
    }

    private void add(String piece, float score, int type) {
        pieces.add(piece);
        scores.add(score);
        types.add(type);
    }

    private void addMarks() {
        add("<unk>", 0, UNKNOWN);
        add("<s>", 0, CONTROL);
        add("</s>", 0, CONTROL);
    }

    private void addBytesAndText(int vocabSize) {
        for (int value = 0; value < 256; value++) {
            add(String.format("<0x%02X>", value), 0, BYTE);
        }
        int first = pieces.size();
        add("▁▁", SPACES_SCORE, NORMAL);
        add("▁▁▁▁", SPACES_SCORE, NORMAL);
        int characters = CHARACTERS.codePointCount(0, CHARACTERS.length());
        for (String piece : mergedPieces(vocabSize - characters - pieces.size())) {
            add(piece, first - pieces.size(), NORMAL);
        }
        CHARACTERS.codePoints().mapToObj(Character::toString).forEach(character -> {
            add(character, character.equals("▁") ? SPACES_SCORE : first - pieces.size(), NORMAL);
        });
    }

    /// Pieces in the order training would find them: each is made of two that are there already.
    private static Set<String> mergedPieces(int count) {
        Random random = new Random(20240323);
        List<String> parts = new ArrayList<>();
        CHARACTERS.codePoints().mapToObj(Character::toString).forEach(parts::add);
        Set<String> merged = new LinkedHashSet<>();
        while (merged.size() < count) {
            String left = parts.get(random.nextInt(parts.size()));
            String right = parts.get(random.nextInt(parts.size()));
            if (!right.startsWith("▁") && left.length() + right.length() <= 16 && merged.add(left + right)) {
                parts.add(left + right);
            }
        }
        return merged;
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }

    private static void writeBytes(ByteArrayOutputStream out, int field, byte[] value) {
        writeVarint(out, field << 3 | 2);
        writeVarint(out, value.length);
        out.writeBytes(value);
    }

    private static void writeNumber(ByteArrayOutputStream out, int field, int value) {
        writeVarint(out, field << 3);
        writeVarint(out, value);
    }

    private static void writeVarint(ByteArrayOutputStream out, int value) {
        int rest = value;
        for (; rest > 0x7F; rest >>>= 7) {
            out.write((rest & 0x7F) | 0x80);
        }
        out.write(rest);
    }
}
