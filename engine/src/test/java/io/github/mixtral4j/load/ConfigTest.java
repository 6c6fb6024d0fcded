package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `config.json` and `params.json` as published and as they go wrong.
class ConfigTest {
    private static final JsonMapper MAPPER = new JsonMapper();

    static final String HF_8X22B_INSTRUCT = """
            {"architectures": ["MixtralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
             "hidden_act": "silu", "hidden_size": 6144, "initializer_range": 0.02, "intermediate_size": 16384,
             "max_position_embeddings": 65536, "model_type": "mixtral", "num_attention_heads": 48,
             "num_experts_per_tok": 2, "num_hidden_layers": 56, "num_key_value_heads": 8, "num_local_experts": 8,
             "output_router_logits": false, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0,
             "router_aux_loss_coef": 0.001, "sliding_window": null, "tie_word_embeddings": false,
             "torch_dtype": "bfloat16", "transformers_version": "4.38.0", "use_cache": true, "vocab_size": 32768}
            """;

    static final String PARAMS_8X7B = """
            {"dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32, "n_kv_heads": 8,
             "norm_eps": 1e-05, "vocab_size": 32000, "moe": {"num_experts_per_tok": 2, "num_experts": 8}}
            """;

    static final String PARAMS_7B_V01 = """
            {"dim": 4096, "n_layers": 32, "head_dim": 128, "hidden_dim": 14336, "n_heads": 32, "n_kv_heads": 8,
             "norm_eps": 1e-05, "sliding_window": 4096, "vocab_size": 32000}
            """;

    @Test
    void huggingFaceConfigOf8x22b() {
        assertThat(huggingFace(HF_8X22B_INSTRUCT))
                .isEqualTo(new ModelConfig(
                        new MixtralConfig(
                                6144, 16384, 56, 48, 8, 128, 32768, 8, 2, 65536, 1e-5f, 1e6f, RopeLayout.HALF_SPLIT),
                        false));
    }

    @Test
    void huggingFaceDefaultsAreThoseOfTransformers() {
        MixtralConfig mixtral = huggingFace(without(
                        HF_8X22B_INSTRUCT,
                        "architectures",
                        "max_position_embeddings",
                        "num_key_value_heads",
                        "num_local_experts",
                        "num_experts_per_tok",
                        "rms_norm_eps",
                        "rope_theta",
                        "vocab_size",
                        "hidden_act"))
                .numbers();
        assertThat(mixtral)
                .isEqualTo(new MixtralConfig(
                        6144, 16384, 56, 48, 8, 128, 777, 8, 2, 131072, 1e-5f, 1e6f, RopeLayout.HALF_SPLIT));
        MixtralConfig mistral = huggingFace("""
                {"model_type": "mistral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
                 "num_attention_heads": 8, "head_dim": 32, "tie_word_embeddings": true}
                """).numbers();
        assertThat(mistral)
                .isEqualTo(
                        new MixtralConfig(64, 96, 2, 8, 8, 32, 777, 1, 1, 131072, 1e-6f, 1e4f, RopeLayout.HALF_SPLIT));
    }

    @Test
    void nullKeyHeadsAreAsManyAsQueryHeads() {
        String json = with(without(HF_8X22B_INSTRUCT, "num_key_value_heads"), "\"num_key_value_heads\": null");
        assertThat(huggingFace(json).numbers().numKvHeads()).isEqualTo(48);
    }

    @Test
    void configsSavedByTransformers5AreRead() {
        String v5 = with(
                without(HF_8X22B_INSTRUCT, "rope_theta", "torch_dtype"),
                "\"dtype\": \"bfloat16\", \"head_dim\": null, \"rope_parameters\": {\"rope_theta\": 500000.0, "
                        + "\"rope_type\": \"default\"}");
        assertThat(huggingFace(v5).numbers().ropeTheta()).isEqualTo(5e5f);
        assertThat(huggingFace(v5).numbers().headDim()).isEqualTo(128);
    }

    @Test
    void tiedEmbeddingsAreNoticed() {
        assertThat(huggingFace(with(without(HF_8X22B_INSTRUCT, "tie_word_embeddings"), "\"tie_word_embeddings\": true"))
                        .tied())
                .isTrue();
        assertThat(mistral(with(PARAMS_8X7B, "\"tied_embeddings\": true")).tied())
                .isTrue();
    }

    @Test
    void slidingWindowIsIgnoredForMixtralAndBoundsMistral() {
        String window = "\"sliding_window\": 4096";
        assertThat(huggingFace(with(without(HF_8X22B_INSTRUCT, "sliding_window"), window))
                        .numbers()
                        .contextLength())
                .isEqualTo(65536);
        assertThat(mistral(with(PARAMS_8X7B, "\"_sliding_window\": 4096"))
                        .numbers()
                        .contextLength())
                .isEqualTo(32768);
        String mistral7b = """
                {"architectures": ["MistralForCausalLM"], "hidden_size": 4096, "intermediate_size": 14336,
                 "num_hidden_layers": 32, "num_attention_heads": 32, "max_position_embeddings": 32768}
                """;
        assertThat(huggingFace(mistral7b).numbers().contextLength()).isEqualTo(32768);
        assertThat(huggingFace(with(mistral7b, window)).numbers().contextLength())
                .isEqualTo(4096);
    }

    @Test
    void paramsOf8x7bHaveDefaultsForThetaAndContext() {
        assertThat(mistral(PARAMS_8X7B))
                .isEqualTo(new ModelConfig(
                        new MixtralConfig(
                                4096, 14336, 32, 32, 8, 128, 32000, 8, 2, 32768, 1e-5f, 1e6f, RopeLayout.INTERLEAVED),
                        false));
        assertThat(mistral(with(PARAMS_8X7B, "\"max_seq_len\": 1000")).numbers().contextLength())
                .isEqualTo(1000);
    }

    @Test
    void paramsWithoutVocabularyTakeItFromTheEmbedding() {
        for (String vocab : new String[] {"\"vocab_size\": -1", "\"vocab_size\": null"}) {
            assertThat(mistral(with(without(PARAMS_8X7B, "vocab_size"), vocab))
                            .numbers()
                            .vocabSize())
                    .isEqualTo(777);
        }
    }

    @Test
    void paramsOfMistral7bV01MeanTheOlderRope() {
        MixtralConfig config = mistral(PARAMS_7B_V01).numbers();
        assertThat(config.ropeTheta()).isEqualTo(1e4f);
        assertThat(config.contextLength()).isEqualTo(4096);
        assertThat(config.isMixture()).isFalse();
        assertThat(mistral(without(PARAMS_7B_V01, "sliding_window")).numbers().ropeTheta())
                .isEqualTo(1e6f);
    }

    record Refusal(String json, boolean huggingFace, String message) {
        @Override
        public String toString() {
            return message;
        }
    }

    static List<Refusal> refusals() {
        String runs = "; this engine runs ";
        return List.of(
                hf(
                        "architectures",
                        "[\"Qwen3MoeForCausalLM\"]",
                        "architectures is \"Qwen3MoeForCausalLM\"" + runs
                                + "MixtralForCausalLM and MistralForCausalLM"),
                hf("architectures", "[]", "architectures: expected an array of texts, found []"),
                new Refusal(
                        without(HF_8X22B_INSTRUCT, "architectures", "model_type"),
                        true,
                        "config.json: model_type is missing, expected a text"),
                new Refusal(
                        with(without(HF_8X22B_INSTRUCT, "architectures", "model_type"), "\"model_type\": \"llama\""),
                        true,
                        "config.json: model_type is \"llama\"" + runs + "MixtralForCausalLM and MistralForCausalLM"),
                hf(
                        "hidden_act",
                        "\"" + "x".repeat(1000) + "\"",
                        "hidden_act is \"" + "x".repeat(60) + "…\"" + runs + "\"silu\""),
                hf("hidden_act", "\"gelu\"", "hidden_act is \"gelu\"" + runs + "\"silu\""),
                hf("attention_bias", "true", "attention_bias is true" + runs + "models without biases"),
                hf("attention_bias", "1", "attention_bias: expected true or false, found 1"),
                hf(
                        "rope_scaling",
                        "{\"type\": \"linear\", \"factor\": 2.0}",
                        "rope_scaling is \"linear\"" + runs + "rotary embedding without scaling"),
                hf(
                        "rope_parameters",
                        "{\"rope_type\": \"yarn\"}",
                        "rope_parameters is \"yarn\"" + runs + "rotary embedding without scaling"),
                hf("rope_scaling", "7", "rope_scaling: expected an object, found 7"),
                hf(
                        "partial_rotary_factor",
                        "0.5",
                        "partial_rotary_factor is 0.5" + runs + "rotary embedding over the whole head"),
                hf(
                        "quantization_config",
                        "{\"quant_method\": \"awq\", \"bits\": 4}",
                        "the weights are quantized "
                                + "(quantization_config \"awq\"); this engine reads safetensors of F32, F16 and BF16, and GGUF"),
                hf("hidden_size", "null", "hidden_size is missing, expected a whole number"),
                hf("hidden_size", "6144.5", "hidden_size: expected a whole number, found 6144.5"),
                hf("hidden_size", "99999999999", "hidden_size: expected a whole number, found 99999999999"),
                hf("hidden_size", "6145", "hidden_size (6145) must be a multiple of num_attention_heads (48)"),
                hf("num_attention_heads", "0", "hidden_size (6144) must be a multiple of num_attention_heads (0)"),
                hf("head_dim", "8192", "headDim must be at most 4096, got 8192"),
                new Refusal(
                        with(
                                without(HF_8X22B_INSTRUCT, "num_attention_heads", "num_key_value_heads"),
                                "\"num_attention_heads\": 1073774592, \"num_key_value_heads\": 32768, \"head_dim\": 4"),
                        true,
                        "config.json: numHeads (1073774592) times headDim (4) must be at most 2147483647"),
                new Refusal(
                        with(
                                without(PARAMS_8X7B, "n_heads", "n_kv_heads", "head_dim"),
                                "\"n_heads\": 1073774592, \"n_kv_heads\": 32768, \"head_dim\": 4"),
                        false,
                        "params.json: numHeads (1073774592) times headDim (4) must be at most 2147483647"),
                hf("num_key_value_heads", "7", "numHeads (48) must be a multiple of numKvHeads (7)"),
                hf("num_experts_per_tok", "9", "numExpertsPerToken (9) must be at most numExperts (8)"),
                hf("rope_theta", "1e300", "ropeTheta must be a finite number above 1, got Infinity"),
                hf("rope_theta", "\"big\"", "rope_theta: expected a number, found \"big\""),
                hf("vocab_size", "0", "vocabSize must be positive, got 0"),
                mistralRefusal(
                        "vision_encoder", "{}", "vision_encoder is not supported" + runs + "Mixtral and Mistral 7B"),
                mistralRefusal("yarn", "{\"factor\": 4}", "yarn is not supported" + runs + "Mixtral and Mistral 7B"),
                mistralRefusal(
                        "model_type",
                        "\"mamba\"",
                        "model_type is \"mamba\"" + runs + "\"transformer\" (Mixtral, Mistral 7B)"),
                mistralRefusal("use_biases", "true", "use_biases is true" + runs + "models without biases"),
                mistralRefusal(
                        "moe",
                        "{\"num_experts\": 8}",
                        "moe: num_experts_per_tok is missing, expected a whole " + "number"),
                mistralRefusal("moe", "true", "moe: expected an object, found true"),
                mistralRefusal("n_heads", "-2", "dim (4096) must be a multiple of n_heads (-2)"),
                mistralRefusal("norm_eps", "0", "rmsNormEps must lie between 0 and 1, got 0.0"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void refuses(Refusal refusal) {
        assertThatThrownBy(() -> {
                    if (refusal.huggingFace()) {
                        huggingFace(refusal.json());
                    } else {
                        mistral(refusal.json());
                    }
                })
                .isInstanceOf(CheckpointException.class)
                .hasMessage(refusal.message());
    }

    private static Refusal hf(String key, String value, String message) {
        return new Refusal(
                with(without(HF_8X22B_INSTRUCT, key), '"' + key + "\": " + value), true, "config.json: " + message);
    }

    private static Refusal mistralRefusal(String key, String value, String message) {
        return new Refusal(
                with(without(PARAMS_8X7B, key), '"' + key + "\": " + value), false, "params.json: " + message);
    }

    private static ModelConfig huggingFace(String json) {
        return HuggingFaceConfig.read(
                new JsonKeys("config.json", MAPPER.readTree(json)), () -> 777, RopeLayout.HALF_SPLIT);
    }

    private static ModelConfig mistral(String json) {
        return MistralParams.read(
                new JsonKeys("params.json", MAPPER.readTree(json)), () -> 777, RopeLayout.INTERLEAVED);
    }

    private static String with(String json, String pair) {
        return json.strip().replaceFirst("\\{", "{" + pair.replace("\\", "\\\\").replace("$", "\\$") + ", ");
    }

    private static String without(String json, String... keys) {
        ObjectNode object = (ObjectNode) MAPPER.readTree(json);
        object.remove(List.of(keys));
        return object.toString();
    }
}
