package io.github.mixtral4j.checkpoint;

import io.github.mixtral4j.tensor.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/// Numbers of tensor formats in GGUF files.
final class GgmlTypes {
    /// Formats that exist and are not read here, so that a message can name them. Source: `enum ggml_type` of ggml.h.
    private static final Map<Integer, String> FOREIGN = Map.ofEntries(
            Map.entry(9, "Q8_1"),
            Map.entry(15, "Q8_K"),
            Map.entry(16, "IQ2_XXS"),
            Map.entry(17, "IQ2_XS"),
            Map.entry(18, "IQ3_XXS"),
            Map.entry(19, "IQ1_S"),
            Map.entry(20, "IQ4_NL"),
            Map.entry(21, "IQ3_S"),
            Map.entry(22, "IQ2_S"),
            Map.entry(23, "IQ4_XS"),
            Map.entry(24, "I8"),
            Map.entry(25, "I16"),
            Map.entry(26, "I32"),
            Map.entry(27, "I64"),
            Map.entry(28, "F64"),
            Map.entry(29, "IQ1_M"),
            Map.entry(34, "TQ1_0"),
            Map.entry(35, "TQ2_0"),
            Map.entry(39, "MXFP4"));

    private GgmlTypes() {}

    /// The format with this number.
    ///
    /// @param where start of the message: file and tensor
    /// @throws CheckpointException if this engine does not read it
    static DType dtype(String where, int id) {
        return DType.ofGgmlId(id).orElseThrow(() -> {
            String name = FOREIGN.get(id);
            return new CheckpointException(where + "ggml type " + Integer.toUnsignedString(id)
                    + (name == null ? "" : " (" + name + ")") + " cannot be read; this engine reads " + readable());
        });
    }

    private static String readable() {
        return Arrays.stream(DType.values()).map(DType::name).collect(Collectors.joining(" "));
    }
}
