package io.github.mixtral4j.train.tokenizer;

import io.github.mixtral4j.tokenizer.PieceType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Which pieces stand before those of text, as in Mistral's tokenizers.
public enum TokenizerLayout {
    /// `<unk>`, `<s>`, `</s>`, then the bytes 3 to 258: the layout of 8x7B.
    V1,
    /// Control pieces of chats and tools from 3 to 750, documents to 770, then the bytes 771 to 1026: that of 8x22B
    /// Instruct, whose chat format finds its marks by these ids.
    V3;

    private static final int LAST_CONTROL = 750;
    private static final int DOCUMENTS = 20;
    private static final List<String> V3_MARKS = List.of(
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
            "[SUFFIX]");

    /// A piece that is not learned.
    record Fixed(String text, PieceType type) {}

    /// The pieces before those of text, by id.
    List<Fixed> fixed() {
        List<Fixed> pieces = new ArrayList<>();
        pieces.add(new Fixed("<unk>", PieceType.UNKNOWN));
        pieces.add(new Fixed("<s>", PieceType.CONTROL));
        pieces.add(new Fixed("</s>", PieceType.CONTROL));
        switch (this) {
            case V1 -> {}
            case V3 -> addMarks(pieces);
        }
        for (int value = 0; value < 256; value++) {
            pieces.add(new Fixed(String.format(Locale.ROOT, "<0x%02X>", value), PieceType.BYTE));
        }
        return pieces;
    }

    private static void addMarks(List<Fixed> pieces) {
        V3_MARKS.forEach(mark -> pieces.add(new Fixed(mark, PieceType.CONTROL)));
        while (pieces.size() <= LAST_CONTROL) {
            pieces.add(new Fixed("[control_" + (pieces.size() - 2) + "]", PieceType.CONTROL));
        }
        for (int document = DOCUMENTS - 1; document >= 0; document--) {
            pieces.add(new Fixed("[REFERENCE_DOC_" + document + "]", PieceType.USER_DEFINED));
        }
    }

    /// The layout of this name, in upper or lower case.
    ///
    /// @throws IllegalArgumentException naming both
    public static TokenizerLayout of(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "v1" -> V1;
            case "v3" -> V3;
            default -> throw new IllegalArgumentException("--layout must be v1 or v3, got " + name);
        };
    }
}
