package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import java.util.Optional;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/// Reads a `config.json` of `MixtralForCausalLM` or `MistralForCausalLM`.
///
/// Defaults are those of transformers' configuration_mixtral.py and configuration_mistral.py, which a saved config may
/// rely on.
final class HuggingFaceConfig {
    private final JsonKeys keys;
    private final boolean mixture;

    private HuggingFaceConfig(JsonKeys keys) {
        this.keys = keys;
        this.mixture = checkArchitecture(keys);
    }

    /// @param embeddingRows the vocabulary where the config does not say its size
    static ModelConfig read(JsonKeys keys, IntSupplier embeddingRows, RopeLayout rope) {
        HuggingFaceConfig config = new HuggingFaceConfig(keys);
        config.checkSupported();
        int hidden = keys.integer("hidden_size");
        int heads = keys.integer("num_attention_heads");
        if (heads <= 0 || (!keys.has("head_dim") && hidden % heads != 0)) {
            throw keys.error("hidden_size (" + hidden + ") must be a multiple of num_attention_heads (" + heads + ")");
        }
        boolean mixture = config.mixture;
        // To transformers, null is not the default: it means a key head for every query head.
        int absentKvHeads = keys.names().contains("num_key_value_heads") ? heads : 8;
        int context = keys.integer("max_position_embeddings", 4096 * 32);
        Supplier<MixtralConfig> numbers = () -> new MixtralConfig(
                hidden,
                keys.integer("intermediate_size"),
                keys.integer("num_hidden_layers"),
                heads,
                keys.integer("num_key_value_heads", absentKvHeads),
                keys.integer("head_dim", hidden / heads),
                keys.has("vocab_size") ? keys.integer("vocab_size") : embeddingRows.getAsInt(),
                mixture ? keys.integer("num_local_experts", 8) : 1,
                mixture ? keys.integer("num_experts_per_tok", 2) : 1,
                ModelConfig.contextLength(keys.file(), context, keys.integer("sliding_window", 0), mixture),
                (float) keys.real("rms_norm_eps", mixture ? 1e-5 : 1e-6),
                config.ropeTheta(),
                rope);
        return ModelConfig.of(keys.file(), numbers, keys.flag("tie_word_embeddings"));
    }

    /// @return whether it is a mixture of experts
    private static boolean checkArchitecture(JsonKeys keys) {
        Optional<String> architecture = keys.firstText("architectures");
        String type = architecture.orElseGet(() -> keys.text("model_type"));
        return switch (type) {
            case "MixtralForCausalLM", "mixtral" -> true;
            case "MistralForCausalLM", "mistral" -> false;
            default ->
                throw keys.error((architecture.isPresent() ? "architectures" : "model_type") + " is "
                        + Names.quote(type) + "; this engine runs MixtralForCausalLM and MistralForCausalLM");
        };
    }

    private void checkSupported() {
        String activation = keys.text("hidden_act", "silu");
        if (!activation.equals("silu")) {
            throw keys.error("hidden_act is " + Names.quote(activation) + "; this engine runs \"silu\"");
        }
        if (keys.flag("attention_bias")) {
            throw keys.error("attention_bias is true; this engine runs models without biases");
        }
        keys.object("quantization_config").ifPresent(quantization -> {
            throw keys.error("the weights are quantized (quantization_config "
                    + Names.quote(quantization.text("quant_method", "unknown"))
                    + "); this engine reads safetensors of F32, F16 and BF16, and GGUF");
        });
        if (keys.real("partial_rotary_factor", 1) != 1) {
            throw keys.error("partial_rotary_factor is " + keys.real("partial_rotary_factor")
                    + "; this engine runs rotary embedding over the whole head");
        }
        for (String key : new String[] {"rope_scaling", "rope_parameters"}) {
            keys.object(key).ifPresent(rope -> {
                // Older configs say "type".
                String type = rope.text("rope_type", rope.text("type", "default"));
                if (!type.equals("default")) {
                    throw keys.error(
                            key + " is " + Names.quote(type) + "; this engine runs rotary embedding without scaling");
                }
            });
        }
    }

    /// In the config itself, or since transformers 5 in `rope_parameters`.
    private float ropeTheta() {
        double absent = mixture ? 1e6 : 1e4;
        double inParameters = keys.object("rope_parameters")
                .map(rope -> rope.real("rope_theta", absent))
                .orElse(absent);
        return (float) keys.real("rope_theta", inParameters);
    }
}
