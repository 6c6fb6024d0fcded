package io.github.mixtral4j.cli.synth;

import io.github.mixtral4j.tensor.DType;
import java.util.Locale;

/// Which format each matrix of a mixture of eight experts gets, as llama.cpp's `quantize` decides it without an
/// importance matrix. Norms and routers always stay F32.
///
/// The names that llama.cpp knows follow its rules: attention keys and values in Q8_0, because eight experts
/// share them; the head in Q6_K; in most K mixes the attention output in Q5_K; more bits for some down
/// projections. Q3_K, Q4_K and Q5_K, which are no files of llama.cpp's, are that one format throughout.
///
/// Source: `llama_tensor_get_type` in src/llama-quant.cpp of llama.cpp; `enum llama_ftype` in include/llama.h.
public enum QuantMix {
    F32(DType.F32, 0),
    F16(DType.F16, 1),
    BF16(DType.BF16, 32),
    Q4_0(DType.Q4_0, 2),
    Q4_1(DType.Q4_1, 3),
    Q5_0(DType.Q5_0, 8),
    Q5_1(DType.Q5_1, 9),
    Q8_0(DType.Q8_0, 7),
    Q2_K(DType.Q2_K, 10),
    Q3_K(DType.Q3_K, 11),
    Q3_K_S(DType.Q3_K, 11),
    Q3_K_M(DType.Q3_K, 12),
    Q4_K(DType.Q4_K, 14),
    Q4_K_S(DType.Q4_K, 14),
    Q4_K_M(DType.Q4_K, 15),
    Q5_K(DType.Q5_K, 16),
    Q5_K_S(DType.Q5_K, 16),
    Q5_K_M(DType.Q5_K, 17),
    Q6_K(DType.Q6_K, 18);

    private final DType base;
    private final int fileType;

    QuantMix(DType base, int fileType) {
        this.base = base;
        this.fileType = fileType;
    }

    /// The number of this mix under `general.file_type` of a GGUF file.
    public int fileType() {
        return fileType;
    }

    /// The mix of this name, in upper or lower case.
    ///
    /// @throws IllegalArgumentException naming all mixes
    public static QuantMix of(String name) {
        for (QuantMix mix : values()) {
            if (mix.name().equals(name.toUpperCase(Locale.ROOT))) {
                return mix;
            }
        }
        StringBuilder names = new StringBuilder();
        for (QuantMix mix : values()) {
            names.append(names.isEmpty() ? "" : ", ").append(mix);
        }
        throw new IllegalArgumentException("--type must be one of " + names + ", got " + name);
    }

    /// The format of a matrix.
    ///
    /// @param layer its layer; of no meaning for embedding and output
    /// @param layers layers of the model
    DType dtype(Role role, int layer, int layers) {
        if (!base.isQuantized() || isPure()) {
            return base;
        }
        return switch (role) {
            case EMBEDDING, ATTENTION_Q, GATE_PROJ, UP_PROJ -> base;
            case OUTPUT -> base == DType.Q8_0 ? base : DType.Q6_K;
            case ATTENTION_K, ATTENTION_V -> DType.Q8_0;
            case ATTENTION_OUTPUT -> attentionOutput();
            case DOWN_PROJ -> downProj(layer, layers);
        };
    }

    private boolean isPure() {
        return this == Q3_K || this == Q4_K || this == Q5_K;
    }

    private DType attentionOutput() {
        return switch (this) {
            case Q2_K, Q3_K_S, Q3_K_M, Q4_K_S, Q4_K_M -> DType.Q5_K;
            case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q3_K, Q4_K, Q5_K, Q5_K_S, Q5_K_M, Q6_K -> base;
        };
    }

    private DType downProj(int layer, int layers) {
        return switch (this) {
            case Q2_K -> DType.Q3_K;
            case Q3_K_M -> layer < layers / 16 ? DType.Q5_K : DType.Q4_K;
            case Q4_K_S -> layer < layers / 8 ? DType.Q5_K : base;
            case Q4_K_M, Q5_K_M -> needsMoreBits(layer, layers) ? DType.Q6_K : base;
            case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q3_K, Q3_K_S, Q4_K, Q5_K, Q5_K_S, Q6_K -> base;
        };
    }

    /// The first and the last eighth of the layers, and every third between.
    private static boolean needsMoreBits(int layer, int layers) {
        return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
    }
}
