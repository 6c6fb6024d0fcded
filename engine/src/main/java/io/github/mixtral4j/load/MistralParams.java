package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/// Reads a `params.json` of Mistral.
///
/// Source: mistral-inference args.py; params.json as published with 8x7B, 8x22B and 7B.
final class MistralParams {
    private MistralParams() {}

    /// @param embeddingRows the vocabulary where the file does not say its size
    static ModelConfig read(JsonKeys keys, IntSupplier embeddingRows, RopeLayout rope) {
        checkSupported(keys);
        int hidden = keys.integer("dim");
        int heads = keys.integer("n_heads");
        if (heads <= 0 || (!keys.has("head_dim") && hidden % heads != 0)) {
            throw keys.error("dim (" + hidden + ") must be a multiple of n_heads (" + heads + ")");
        }
        Optional<JsonKeys> moe = keys.object("moe");
        int window = Math.max(keys.integer("sliding_window", 0), keys.integer("_sliding_window", 0));
        // Early files say -1 or nothing; the tokenizer was to decide.
        int vocab = keys.integer("vocab_size", -1);
        Supplier<MixtralConfig> numbers = () -> new MixtralConfig(
                hidden,
                keys.integer("hidden_dim"),
                keys.integer("n_layers"),
                heads,
                keys.integer("n_kv_heads", heads),
                keys.integer("head_dim", hidden / heads),
                vocab > 0 ? vocab : embeddingRows.getAsInt(),
                moe.map(experts -> experts.integer("num_experts")).orElse(1),
                moe.map(experts -> experts.integer("num_experts_per_tok")).orElse(1),
                ModelConfig.contextLength(keys.file(), contextLength(keys, hidden), window, moe.isPresent()),
                (float) keys.real("norm_eps"),
                // Mixtral's file does not say; that of Mistral 7B v0.1, known by its window, means the older base.
                (float) keys.real("rope_theta", moe.isEmpty() && window > 0 ? 1e4 : 1e6),
                rope);
        return ModelConfig.of(keys.file(), numbers, keys.flag("tied_embeddings"));
    }

    private static void checkSupported(JsonKeys keys) {
        String type = keys.text("model_type", "transformer");
        if (!type.equals("transformer")) {
            throw keys.error(
                    "model_type is " + Names.quote(type) + "; this engine runs \"transformer\" (Mixtral, Mistral 7B)");
        }
        for (String key : new String[] {"vision_encoder", "yarn", "llama_4_scaling", "quantization", "lora"}) {
            if (keys.has(key)) {
                throw keys.error(key + " is not supported; this engine runs Mixtral and Mistral 7B");
            }
        }
        if (keys.flag("use_biases")) {
            throw keys.error("use_biases is true; this engine runs models without biases");
        }
    }

    /// The files of the first models do not say: 65536 for 8x22B, which is the one of width 6144, else 32768.
    private static int contextLength(JsonKeys keys, int hidden) {
        int published = hidden == 6144 ? 65_536 : 32_768;
        return keys.integer("max_seq_len", keys.integer("max_position_embeddings", published));
    }
}
