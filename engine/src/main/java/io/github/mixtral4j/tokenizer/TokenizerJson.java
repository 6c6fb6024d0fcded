package io.github.mixtral4j.tokenizer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads a vocabulary from Hugging Face's `tokenizer.json`, as converted from a SentencePiece model.
///
/// The file lists merges in place of scores, best first, so scores are derived from their order; the ids of a text are
/// then those of the `tokenizer.model` it was converted from. Tokens in `added_tokens` become control pieces, or
/// user-defined ones when `special` is false.
///
/// The 15 pieces of Mistral that are spaces only share one score below all others, and converters put their merges
/// last, in an order that differs by version. Merges at the end of the list that make only spaces therefore tie.
public final class TokenizerJson {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .build();

    /// What converters set for the score of spaces, below any rank.
    private static final float SPACES_SCORE = -1e9f;

    private final String source;
    private final JsonNode root;
    private final Map<String, Integer> ids = new HashMap<>();

    private TokenizerJson(String source, JsonNode root) {
        this.source = source;
        this.root = root;
    }

    /// Reads a vocabulary.
    /// @param source the name of the file, for errors
    /// @param bytes the whole file; borrowed
    /// @throws TokenizerException if it is not JSON, or not a BPE with byte fallback that came from SentencePiece
    public static Vocabulary parse(String source, byte[] bytes) {
        JsonNode root;
        try {
            root = JSON.readTree(bytes);
        } catch (JacksonException e) {
            String problem = Excerpt.of(e.getOriginalMessage(), 300);
            throw new TokenizerException(source + ": not readable as JSON: " + problem, e);
        }
        return new TokenizerJson(source, root).vocabulary();
    }

    private Vocabulary vocabulary() {
        checkModel();
        boolean normalizerPrefix = normalizerAddsPrefix();
        boolean preTokenizerPrefix = preTokenizerAddsPrefix();
        JsonNode vocab = root.path("model").path("vocab");
        if (!vocab.isObject() || vocab.isEmpty()) {
            throw bad("model.vocab", "an object of pieces and their ids");
        }
        vocab.forEachEntry((piece, id) -> ids.put(piece, idOf(id, "model.vocab of " + Excerpt.quote(piece))));
        for (JsonNode token : root.path("added_tokens")) {
            String content = addedContent(token);
            int id = idOf(token.path("id"), "added_tokens.id");
            Integer other = ids.put(content, id);
            if (other != null && other != id) {
                throw new TokenizerException(source + ": " + Excerpt.quote(content) + " of added_tokens has the ids "
                        + other + " and " + id + ", expected one");
            }
        }
        String[] pieces = piecesById();
        int[] made = madeByMerges();
        return new Vocabulary(
                source,
                pieces,
                scores(pieces, made),
                types(pieces, made),
                ids.getOrDefault(unknownPiece(), -1),
                ids.getOrDefault("<s>", -1),
                ids.getOrDefault("</s>", -1),
                normalizerPrefix || preTokenizerPrefix);
    }

    private void checkModel() {
        JsonNode model = root.path("model");
        if (!model.path("merges").isArray()) {
            throw new TokenizerException(
                    source + ": model.merges is absent, expected a BPE as Mixtral's tokenizer.json has");
        }
        if (!model.path("type").asString("BPE").equals("BPE")) {
            throw new TokenizerException(
                    source + ": model.type is " + shown(model.path("type")) + ", expected \"BPE\" as Mixtral's");
        }
        if (!model.path("byte_fallback").asBoolean(false)) {
            throw new TokenizerException(source + ": model.byte_fallback is not true; the vocabulary did not come from"
                    + " SentencePiece (Mixtral's did)");
        }
    }

    /// Checks that the normalizer makes spaces `▁` and changes nothing else.
    /// @return whether it puts a space in front of the text
    private boolean normalizerAddsPrefix() {
        boolean prefix = false;
        JsonNode normalizer = root.path("normalizer");
        JsonNode steps = normalizer.path("type").asString("").equals("Sequence")
                ? normalizer.path("normalizers")
                : JSON.createArrayNode().add(normalizer);
        for (JsonNode step : steps) {
            switch (step.path("type").asString("")) {
                case "" -> {}
                case "Prepend" -> {
                    expect(step.path("prepend"), "▁", "normalizer Prepend");
                    prefix = true;
                }
                case "Replace" -> {
                    expect(step.path("pattern").path("String"), " ", "normalizer Replace pattern");
                    expect(step.path("content"), "▁", "normalizer Replace content");
                }
                default ->
                    throw new TokenizerException(source + ": normalizer " + shown(step.path("type"))
                            + " changes the text, expected Prepend and Replace as Mixtral's has");
            }
        }
        return prefix;
    }

    /// Checks that the pre-tokenizer, if any, makes spaces `▁`.
    /// @return whether it puts a space in front of the text
    private boolean preTokenizerAddsPrefix() {
        JsonNode preTokenizer = root.path("pre_tokenizer");
        return switch (preTokenizer.path("type").asString("")) {
            case "" -> false;
            case "Metaspace" -> {
                expect(preTokenizer.path("replacement"), "▁", "pre_tokenizer Metaspace replacement");
                String scheme = preTokenizer.path("prepend_scheme").asString("");
                boolean older = preTokenizer.path("add_prefix_space").asBoolean(true);
                yield scheme.isEmpty() ? older : !scheme.equals("never");
            }
            default ->
                throw new TokenizerException(source + ": pre_tokenizer is " + shown(preTokenizer.path("type"))
                        + ", expected none or Metaspace as Mixtral's");
        };
    }

    private void expect(JsonNode node, String text, String where) {
        if (!node.isString() || !node.stringValue().equals(text)) {
            throw new TokenizerException(source + ": " + where + " is " + shown(node) + ", expected \"" + text + "\"");
        }
    }

    private String[] piecesById() {
        String[] pieces = new String[ids.size()];
        ids.forEach((piece, id) -> {
            if (id >= pieces.length) {
                throw new TokenizerException(source + ": piece " + Excerpt.quote(piece) + " has id " + id
                        + ", expected 0 to " + (pieces.length - 1) + " for " + pieces.length + " pieces");
            }
            if (pieces[id] != null) {
                throw new TokenizerException(source + ": pieces " + Excerpt.quote(pieces[id]) + " and "
                        + Excerpt.quote(piece) + " both have id " + id);
            }
            pieces[id] = piece;
        });
        return pieces;
    }

    /// Types by name and by `added_tokens`. What no merge makes, text cannot become: a file may list control pieces in
    /// the vocabulary alone.
    private PieceType[] types(String[] pieces, int[] made) {
        PieceType[] types = new PieceType[pieces.length];
        Arrays.fill(types, PieceType.UNUSED);
        for (int id : made) {
            types[id] = PieceType.NORMAL;
        }
        for (int id = 0; id < pieces.length; id++) {
            if (Vocabulary.byteValue(pieces[id]) >= 0) {
                types[id] = PieceType.BYTE;
            } else if (pieces[id].codePoints().limit(2).count() < 2 || isSpaces(pieces[id])) {
                types[id] = PieceType.NORMAL;
            }
        }
        for (JsonNode token : root.path("added_tokens")) {
            int id = idOf(token.path("id"), "added_tokens.id");
            if (types[id] != PieceType.BYTE) {
                types[id] = token.path("special").asBoolean(true) ? PieceType.CONTROL : PieceType.USER_DEFINED;
            }
        }
        Integer unknown = ids.get(unknownPiece());
        if (unknown != null) {
            types[unknown] = PieceType.UNKNOWN;
        }
        return types;
    }

    private String unknownPiece() {
        return root.path("model").path("unk_token").asString("<unk>");
    }

    /// @return for each merge, best first, the id of what it makes
    private int[] madeByMerges() {
        JsonNode merges = root.path("model").path("merges");
        int[] made = new int[merges.size()];
        for (int rank = 0; rank < made.length; rank++) {
            made[rank] = madeBy(merges.get(rank), rank);
        }
        return made;
    }

    /// Minus the rank of the first merge that makes the piece; spaces, and what no merge makes, come last.
    private static float[] scores(String[] pieces, int[] made) {
        int tail = made.length;
        while (tail > 0 && isSpaces(pieces[made[tail - 1]])) {
            tail--;
        }
        float[] scores = new float[pieces.length];
        Arrays.fill(scores, SPACES_SCORE);
        for (int rank = tail - 1; rank >= 0; rank--) {
            scores[made[rank]] = -rank;
        }
        return scores;
    }

    /// @return the id of what a merge makes; it is written `"a b"` or `["a", "b"]`
    private int madeBy(JsonNode merge, int rank) {
        String where = "model.merges[" + rank + "]";
        String left;
        String right;
        if (merge.isString()) {
            String pair = merge.stringValue();
            int space = pair.indexOf(' ');
            left = space < 0 ? "" : pair.substring(0, space);
            right = pair.substring(space + 1);
        } else {
            left = merge.path(0).asString("");
            right = merge.path(1).asString("");
        }
        Integer id = ids.get(left + right);
        if (id == null || !ids.containsKey(left) || !ids.containsKey(right)) {
            throw new TokenizerException(source + ": " + where + " is " + shown(merge)
                    + ", expected two pieces that make a third of model.vocab");
        }
        return id;
    }

    private static boolean isSpaces(String piece) {
        return piece.chars().allMatch(c -> c == Vocabulary.SPACE);
    }

    private String addedContent(JsonNode token) {
        JsonNode content = token.path("content");
        if (!content.isString()) {
            throw bad("added_tokens.content", "a string");
        }
        return content.stringValue();
    }

    private int idOf(JsonNode node, String where) {
        if (!node.isInt() || node.intValue() < 0) {
            throw new TokenizerException(
                    source + ": " + where + " is " + shown(node) + ", expected an id of at least 0");
        }
        return node.intValue();
    }

    private static String shown(JsonNode node) {
        return Excerpt.of(node.toString());
    }

    private TokenizerException bad(String where, String expected) {
        return new TokenizerException(source + ": " + where + " is absent or no such thing, expected " + expected);
    }
}
