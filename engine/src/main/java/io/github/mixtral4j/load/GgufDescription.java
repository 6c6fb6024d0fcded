package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.GgufValue;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// The metadata of a GGUF file: the counterpart of what [ModelLoader] and [TokenizerLoader] read, for writers.
///
/// Source: docs/gguf.md of ggml.
public final class GgufDescription {
    private GgufDescription() {}

    /// The keys in the order to write.
    ///
    /// @param title the model's name, for people
    /// @param fileType llama.cpp's number for the mix of formats
    /// @param c its numbers
    /// @param layers layers in the file, which may be fewer than the config's
    /// @param vocabulary what the file has as its tokenizer
    public static Map<String, GgufValue> of(
            String title, int fileType, MixtralConfig c, int layers, Vocabulary vocabulary) {
        Map<String, GgufValue> values = new LinkedHashMap<>();
        values.put("general.architecture", GgufValue.text("llama"));
        values.put("general.name", GgufValue.text(title));
        values.put("general.file_type", GgufValue.uint32(fileType));
        values.put("general.quantization_version", GgufValue.uint32(2));
        values.put("llama.block_count", GgufValue.uint32(layers));
        values.put("llama.context_length", GgufValue.uint32(c.contextLength()));
        values.put("llama.embedding_length", GgufValue.uint32(c.hiddenSize()));
        values.put("llama.feed_forward_length", GgufValue.uint32(c.intermediateSize()));
        values.put("llama.attention.head_count", GgufValue.uint32(c.numHeads()));
        values.put("llama.attention.head_count_kv", GgufValue.uint32(c.numKvHeads()));
        values.put("llama.attention.layer_norm_rms_epsilon", GgufValue.float32(c.rmsNormEps()));
        values.put("llama.rope.dimension_count", GgufValue.uint32(c.headDim()));
        values.put("llama.rope.freq_base", GgufValue.float32(c.ropeTheta()));
        values.put("llama.expert_count", GgufValue.uint32(c.numExperts()));
        values.put("llama.expert_used_count", GgufValue.uint32(c.numExpertsPerToken()));
        values.put("llama.vocab_size", GgufValue.uint32(vocabulary.size()));
        List<Integer> ids = IntStream.range(0, vocabulary.size()).boxed().toList();
        values.put("tokenizer.ggml.model", GgufValue.text("llama"));
        values.put(
                "tokenizer.ggml.tokens",
                GgufValue.texts(ids.stream().map(vocabulary::piece).toList()));
        values.put(
                "tokenizer.ggml.scores",
                GgufValue.float32s(ids.stream().map(vocabulary::score).toList()));
        values.put(
                "tokenizer.ggml.token_type",
                GgufValue.int32s(
                        ids.stream().map(id -> vocabulary.type(id).code()).toList()));
        values.put("tokenizer.ggml.bos_token_id", GgufValue.uint32(vocabulary.bosId()));
        values.put("tokenizer.ggml.eos_token_id", GgufValue.uint32(vocabulary.eosId()));
        values.put("tokenizer.ggml.unknown_token_id", GgufValue.uint32(vocabulary.unkId()));
        values.put("tokenizer.ggml.add_bos_token", GgufValue.bool(true));
        values.put("tokenizer.ggml.add_eos_token", GgufValue.bool(false));
        values.put("tokenizer.ggml.add_space_prefix", GgufValue.bool(vocabulary.addDummyPrefix()));
        return values;
    }
}
