package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.GgufMetadata;
import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/// Reads the `llama.*` keys of a GGUF file.
///
/// Defaults are llama.cpp's. Source: docs/gguf.md of ggml, `llama_model::load_hparams` of llama.cpp.
final class GgufConfig {
    private static final String ARCHITECTURE = "general.architecture";
    private static final float DEFAULT_ROPE_THETA = 10_000;

    private final String file;
    private final GgufMetadata metadata;

    private GgufConfig(String file, GgufMetadata metadata) {
        this.file = file;
        this.metadata = metadata;
    }

    /// @param file name of the file, for messages
    /// @param embeddingRows the vocabulary where the file does not say its size
    /// @param tied whether the file has no head
    static ModelConfig read(
            String file, GgufMetadata metadata, IntSupplier embeddingRows, RopeLayout rope, boolean tied) {
        GgufConfig keys = new GgufConfig(file, metadata);
        keys.checkArchitecture();
        keys.checkRope();
        int hidden = keys.count("llama.embedding_length");
        int heads = keys.count("llama.attention.head_count");
        int experts = keys.count("llama.expert_count", 0);
        int context = keys.count("llama.context_length");
        int window = keys.count("llama.attention.sliding_window", 0);
        Supplier<MixtralConfig> numbers = () -> new MixtralConfig(
                hidden,
                keys.count("llama.feed_forward_length"),
                keys.count("llama.block_count"),
                heads,
                keys.count("llama.attention.head_count_kv", heads),
                keys.headDim(hidden, heads),
                metadata.has("llama.vocab_size") ? keys.count("llama.vocab_size") : embeddingRows.getAsInt(),
                Math.max(1, experts),
                experts > 1 ? keys.count("llama.expert_used_count") : 1,
                ModelConfig.contextLength(file, context, window, experts > 1),
                (float) metadata.real("llama.attention.layer_norm_rms_epsilon"),
                keys.real("llama.rope.freq_base", DEFAULT_ROPE_THETA),
                rope);
        return ModelConfig.of(file, numbers, tied);
    }

    private void checkArchitecture() {
        String architecture = metadata.text(ARCHITECTURE);
        if (!architecture.equals("llama")) {
            throw new CheckpointException(file + ": " + ARCHITECTURE + " is " + Names.quote(architecture)
                    + "; this engine runs \"llama\" with expert_count > 0 (Mixtral) or without experts (Mistral 7B)");
        }
    }

    /// Anything but plain rotary embedding over the whole head would give other answers.
    private void checkRope() {
        String type = "llama.rope.scaling.type";
        boolean none = metadata.has(type) && metadata.text(type).equals("none");
        if (metadata.has(type) && !none) {
            throw unsupportedRope(type, Names.quote(metadata.text(type)));
        }
        for (String factor : new String[] {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
            float value = real(factor, 1);
            // llama.cpp writes 0 for "not set".
            if (!none && value != 1 && value != 0) {
                throw unsupportedRope(factor, Float.toString(value));
            }
        }
    }

    private CheckpointException unsupportedRope(String key, String value) {
        return new CheckpointException(
                file + ": " + key + " is " + value + "; this engine runs rotary embedding without scaling");
    }

    private int headDim(int hidden, int heads) {
        String length = "llama.attention.key_length";
        if (heads == 0 || (!metadata.has(length) && hidden % heads != 0)) {
            throw new CheckpointException(file + ": llama.embedding_length (" + hidden
                    + ") must be a multiple of llama.attention.head_count (" + heads + ")");
        }
        int headDim = count(length, hidden / heads);
        int valueDim = count("llama.attention.value_length", headDim);
        int rotated = count("llama.rope.dimension_count", headDim);
        if (valueDim != headDim || rotated != headDim) {
            throw new CheckpointException(file + ": expected llama.attention.value_length and "
                    + "llama.rope.dimension_count equal to the " + headDim + " elements of a head, found " + valueDim
                    + " and " + rotated);
        }
        return headDim;
    }

    /// A number that fits an `int`, from 0.
    private int count(String key) {
        long value = metadata.integer(key);
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw new CheckpointException(
                    file + ": metadata key " + key + ": expected 0 to " + Integer.MAX_VALUE + ", found " + value);
        }
        return (int) value;
    }

    private int count(String key, int absent) {
        return metadata.has(key) ? count(key) : absent;
    }

    private float real(String key, float absent) {
        return metadata.has(key) ? (float) metadata.real(key) : absent;
    }
}
