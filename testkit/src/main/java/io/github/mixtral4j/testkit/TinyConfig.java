package io.github.mixtral4j.testkit;

import java.util.LinkedHashMap;
import java.util.Map;

/// Architecture numbers of a test model, in Hugging Face's words.
///
/// @param hiddenSize width of the residual stream
/// @param intermediateSize width inside an expert
/// @param numLayers transformer blocks
/// @param numHeads query heads
/// @param numKvHeads key and value heads
/// @param headDim elements of a head
/// @param vocabSize rows of the embedding
/// @param numExperts experts per layer; 1 is a dense model like Mistral 7B
/// @param numExpertsPerToken experts chosen for a token
/// @param contextLength positions
/// @param rmsNormEps added to the mean square
/// @param ropeTheta base of the rotary frequencies
public record TinyConfig(
        int hiddenSize,
        int intermediateSize,
        int numLayers,
        int numHeads,
        int numKvHeads,
        int headDim,
        int vocabSize,
        int numExperts,
        int numExpertsPerToken,
        int contextLength,
        double rmsNormEps,
        double ropeTheta) {

    /// A mixture whose rows hold whole blocks of every format; no two numbers are alike that could be mixed up.
    public static TinyConfig mixtral() {
        return new TinyConfig(256, 512, 2, 4, 2, 64, 512, 6, 2, 1024, 1e-5, 1e6);
    }

    /// The same without a router, like Mistral 7B.
    public static TinyConfig dense() {
        return new TinyConfig(256, 512, 2, 4, 2, 64, 512, 1, 1, 1024, 1e-5, 1e4);
    }

    /// The numbers of a Hugging Face `config.json`, given as text.
    public static TinyConfig parseHuggingFace(String json) {
        Object c = MiniJson.parse(json);
        int heads = number(c, "num_attention_heads").intValue();
        int hidden = number(c, "hidden_size").intValue();
        return new TinyConfig(
                hidden,
                number(c, "intermediate_size").intValue(),
                number(c, "num_hidden_layers").intValue(),
                heads,
                number(c, "num_key_value_heads").intValue(),
                hidden / heads,
                number(c, "vocab_size").intValue(),
                number(c, "num_local_experts").intValue(),
                number(c, "num_experts_per_tok").intValue(),
                number(c, "max_position_embeddings").intValue(),
                number(c, "rms_norm_eps"),
                number(c, "rope_theta"));
    }

    private static Double number(Object object, String key) {
        return (Double) MiniJson.get(object, key);
    }

    /// The same model with another vocabulary.
    public TinyConfig withVocabSize(int size) {
        return new TinyConfig(
                hiddenSize,
                intermediateSize,
                numLayers,
                numHeads,
                numKvHeads,
                headDim,
                size,
                numExperts,
                numExpertsPerToken,
                contextLength,
                rmsNormEps,
                ropeTheta);
    }

    /// The same model with another number of layers.
    public TinyConfig withNumLayers(int layers) {
        return new TinyConfig(
                hiddenSize,
                intermediateSize,
                layers,
                numHeads,
                numKvHeads,
                headDim,
                vocabSize,
                numExperts,
                numExpertsPerToken,
                contextLength,
                rmsNormEps,
                ropeTheta);
    }

    /// The same model with another choice of experts.
    public TinyConfig withExperts(int count, int perToken) {
        return new TinyConfig(
                hiddenSize,
                intermediateSize,
                numLayers,
                numHeads,
                numKvHeads,
                headDim,
                vocabSize,
                count,
                perToken,
                contextLength,
                rmsNormEps,
                ropeTheta);
    }

    /// Whether there is a router.
    public boolean isMixture() {
        return numExperts > 1;
    }

    /// Width of all query heads together.
    public int queryWidth() {
        return numHeads * headDim;
    }

    /// Width of all key (or value) heads together.
    public int kvWidth() {
        return numKvHeads * headDim;
    }

    /// As GGUF metadata of architecture `llama`; the Java types of the values are those of the file.
    Map<String, Object> ggufMetadata() {
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("general.architecture", "llama");
        keys.put("general.name", "tiny");
        keys.put("llama.block_count", numLayers);
        keys.put("llama.context_length", contextLength);
        keys.put("llama.embedding_length", hiddenSize);
        keys.put("llama.feed_forward_length", intermediateSize);
        keys.put("llama.attention.head_count", numHeads);
        keys.put("llama.attention.head_count_kv", numKvHeads);
        keys.put("llama.attention.layer_norm_rms_epsilon", (float) rmsNormEps);
        keys.put("llama.rope.dimension_count", headDim);
        keys.put("llama.rope.freq_base", (float) ropeTheta);
        keys.put("llama.vocab_size", vocabSize);
        if (isMixture()) {
            keys.put("llama.expert_count", numExperts);
            keys.put("llama.expert_used_count", numExpertsPerToken);
        }
        return keys;
    }

    /// As `config.json`.
    String huggingFaceJson() {
        String experts = isMixture()
                ? ", \"num_local_experts\": " + numExperts + ", \"num_experts_per_tok\": " + numExpertsPerToken
                : "";
        return """
                {"architectures": ["%s"], "model_type": "%s", "hidden_act": "silu", "tie_word_embeddings": false,
                 "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
                 "num_key_value_heads": %d, "vocab_size": %d, "max_position_embeddings": %d, "rms_norm_eps": %s,
                 "rope_theta": %s, "sliding_window": null, "torch_dtype": "bfloat16", "bos_token_id": 1,
                 "eos_token_id": 2%s}
                """.formatted(
                        isMixture() ? "MixtralForCausalLM" : "MistralForCausalLM",
                        isMixture() ? "mixtral" : "mistral",
                        hiddenSize,
                        intermediateSize,
                        numLayers,
                        numHeads,
                        numKvHeads,
                        vocabSize,
                        contextLength,
                        rmsNormEps,
                        ropeTheta,
                        experts);
    }

    /// As `params.json`.
    String mistralJson() {
        String experts = isMixture()
                ? ", \"moe\": {\"num_experts\": " + numExperts + ", \"num_experts_per_tok\": " + numExpertsPerToken
                        + "}"
                : "";
        return """
                {"dim": %d, "hidden_dim": %d, "n_layers": %d, "n_heads": %d, "n_kv_heads": %d, "head_dim": %d,
                 "vocab_size": %d, "norm_eps": %s, "rope_theta": %s, "max_seq_len": %d%s}
                """.formatted(
                        hiddenSize,
                        intermediateSize,
                        numLayers,
                        numHeads,
                        numKvHeads,
                        headDim,
                        vocabSize,
                        rmsNormEps,
                        ropeTheta,
                        contextLength,
                        experts);
    }
}
