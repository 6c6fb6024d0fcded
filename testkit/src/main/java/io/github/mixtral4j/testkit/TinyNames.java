package io.github.mixtral4j.testkit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Names of the same tensor in the three containers. The testkit's own are Mistral's, where each expert is a tensor:
/// `layers.3.feed_forward.experts.5.w1.weight`.
final class TinyNames {
    private static final String[][] WHOLE = {
        // Mistral, GGUF, Hugging Face
        {"tok_embeddings.weight", "token_embd.weight", "model.embed_tokens.weight"},
        {"norm.weight", "output_norm.weight", "model.norm.weight"},
        {"output.weight", "output.weight", "lm_head.weight"},
    };

    private static final String[][] IN_LAYER = {
        {"attention_norm", "attn_norm", "input_layernorm"},
        {"attention.wq", "attn_q", "self_attn.q_proj"},
        {"attention.wk", "attn_k", "self_attn.k_proj"},
        {"attention.wv", "attn_v", "self_attn.v_proj"},
        {"attention.wo", "attn_output", "self_attn.o_proj"},
        {"ffn_norm", "ffn_norm", "post_attention_layernorm"},
        {"feed_forward.gate", "ffn_gate_inp", "block_sparse_moe.gate"},
        {"feed_forward.w1", "ffn_gate", "mlp.gate_proj"},
        {"feed_forward.w2", "ffn_down", "mlp.down_proj"},
        {"feed_forward.w3", "ffn_up", "mlp.up_proj"},
    };

    private static final String[][] IN_EXPERT = {
        // Mistral and Hugging Face, GGUF
        {"w1", "ffn_gate"}, {"w2", "ffn_down"}, {"w3", "ffn_up"},
    };

    private final Map<String, String> toGguf = new LinkedHashMap<>();
    private final Map<String, String> toHuggingFace = new LinkedHashMap<>();
    private final Map<String, List<String>> stacks = new LinkedHashMap<>();

    TinyNames(TinyConfig config) {
        for (String[] names : WHOLE) {
            put(names[0], names[1], names[2]);
        }
        for (int i = 0; i < config.numLayers(); i++) {
            for (String[] n : IN_LAYER) {
                put(
                        "layers." + i + "." + n[0] + ".weight",
                        "blk." + i + "." + n[1] + ".weight",
                        "model.layers." + i + "." + n[2] + ".weight");
            }
            for (String[] n : IN_EXPERT) {
                List<String> stack = new ArrayList<>();
                for (int e = 0; e < config.numExperts(); e++) {
                    String name = "layers." + i + ".feed_forward.experts." + e + "." + n[0] + ".weight";
                    put(
                            name,
                            "blk." + i + "." + n[1] + "." + e + ".weight",
                            "model.layers." + i + ".block_sparse_moe.experts." + e + "." + n[0] + ".weight");
                    stack.add(name);
                }
                stacks.put("blk." + i + "." + n[1] + "_exps.weight", stack);
            }
        }
    }

    private void put(String mistral, String gguf, String huggingFace) {
        toGguf.put(mistral, gguf);
        toHuggingFace.put(mistral, huggingFace);
    }

    /// Mistral's names to GGUF's, experts apart as in old files.
    Map<String, String> toGguf() {
        return toGguf;
    }

    /// Mistral's names to Hugging Face's.
    Map<String, String> toHuggingFace() {
        return toHuggingFace;
    }

    /// GGUF's expert stacks, each with Mistral's names of its matrices.
    Map<String, List<String>> stacks() {
        return stacks;
    }
}
