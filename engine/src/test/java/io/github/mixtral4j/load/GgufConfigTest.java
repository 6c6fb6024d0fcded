package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.GgufValue;
import io.github.mixtral4j.checkpoint.GgufWriter;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Metadata of GGUF files as converters write them and as they go wrong.
class GgufConfigTest {
    @TempDir
    Path folder;

    @Test
    void numbersOf8x22b() throws IOException {
        assertThat(read(keys()))
                .isEqualTo(new ModelConfig(
                        new MixtralConfig(
                                6144, 16384, 56, 48, 8, 128, 32768, 8, 2, 65536, 1e-5f, 1e6f, RopeLayout.INTERLEAVED),
                        false));
    }

    @Test
    void absentKeysMeanWhatTheyMeanInLlamaCpp() throws IOException {
        Map<String, GgufValue> keys = keys();
        for (String key : new String[] {
            "attention.head_count_kv",
            "rope.dimension_count",
            "rope.freq_base",
            "vocab_size",
            "expert_count",
            "expert_used_count"
        }) {
            keys.remove("llama." + key);
        }
        assertThat(read(keys).numbers())
                .isEqualTo(new MixtralConfig(
                        6144, 16384, 56, 48, 48, 128, 777, 1, 1, 65536, 1e-5f, 1e4f, RopeLayout.INTERLEAVED));
    }

    @Test
    void headsMayBeWiderThanTheirShare() throws IOException {
        Map<String, GgufValue> keys = keys();
        for (String key : new String[] {"attention.key_length", "attention.value_length", "rope.dimension_count"}) {
            keys.put("llama." + key, GgufValue.uint32(64));
        }
        assertThat(read(keys).numbers().headDim()).isEqualTo(64);
    }

    @Test
    void ropeScalingThatScalesNothingIsFine() throws IOException {
        Map<String, GgufValue> keys = keys();
        keys.put("llama.rope.scaling.type", GgufValue.text("none"));
        keys.put("llama.rope.scaling.factor", GgufValue.float32(4));
        assertThat(read(keys).numbers().ropeTheta()).isEqualTo(1e6f);
    }

    record Refusal(String key, GgufValue value, String message) {
        @Override
        public String toString() {
            return message;
        }
    }

    static List<Refusal> refusals() {
        String plain = "; this engine runs rotary embedding without scaling";
        return List.of(
                new Refusal(
                        "general.architecture",
                        GgufValue.text("qwen3moe"),
                        "general.architecture is \"qwen3moe\"; this engine runs \"llama\" with expert_count > 0 "
                                + "(Mixtral) or without experts (Mistral 7B)"),
                new Refusal(
                        "general.architecture",
                        GgufValue.text("\u001b[2J" + "x".repeat(100_000)),
                        "general.architecture is \"\\u001b[2J" + "x".repeat(51) + "…\"; this engine runs \"llama\" "
                                + "with expert_count > 0 (Mixtral) or without experts (Mistral 7B)"),
                new Refusal(
                        "llama.rope.scaling.type",
                        GgufValue.text("yarn"),
                        "llama.rope.scaling.type is \"yarn\"" + plain),
                new Refusal(
                        "llama.rope.scaling.factor", GgufValue.float32(4), "llama.rope.scaling.factor is 4.0" + plain),
                new Refusal("llama.rope.scale_linear", GgufValue.float32(2), "llama.rope.scale_linear is 2.0" + plain),
                new Refusal(
                        "llama.rope.dimension_count",
                        GgufValue.uint32(64),
                        "expected llama.attention.value_length and llama.rope.dimension_count equal to the 128 "
                                + "elements of a head, found 128 and 64"),
                new Refusal(
                        "llama.attention.value_length",
                        GgufValue.uint32(64),
                        "expected llama.attention.value_length and llama.rope.dimension_count equal to the 128 "
                                + "elements of a head, found 64 and 128"),
                new Refusal(
                        "llama.attention.head_count",
                        GgufValue.uint32(0),
                        "llama.embedding_length (6144) must be a multiple of llama.attention.head_count (0)"),
                new Refusal(
                        "llama.embedding_length",
                        GgufValue.uint32(6145),
                        "llama.embedding_length (6145) must be a multiple of llama.attention.head_count (48)"),
                new Refusal(
                        "llama.block_count",
                        GgufValue.uint32(0xFFFF_FFFFL),
                        "metadata key llama.block_count: expected 0 to 2147483647, found 4294967295"),
                new Refusal("llama.block_count", GgufValue.uint32(0), "numLayers must be positive, got 0"),
                new Refusal(
                        "llama.block_count",
                        GgufValue.text("56"),
                        "metadata key llama.block_count: expected an integer, found STRING \"56\""),
                new Refusal(
                        "llama.expert_used_count",
                        GgufValue.uint32(9),
                        "numExpertsPerToken (9) must be at most numExperts (8)"),
                new Refusal(
                        "llama.rope.freq_base",
                        GgufValue.float32(Float.NaN),
                        "ropeTheta must be a finite number above 1, got NaN"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void refuses(Refusal refusal) {
        Map<String, GgufValue> keys = keys();
        keys.put(refusal.key(), refusal.value());
        assertThatThrownBy(() -> read(keys))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("m.gguf: " + refusal.message());
    }

    @Test
    void widthsBeyondCountingAreRefused() {
        refusesHeads(1_073_774_592, 4, "numHeads (1073774592) times headDim (4) must be at most 2147483647");
        refusesHeads(48, 8192, "headDim must be at most 4096, got 8192");
    }

    private void refusesHeads(int heads, int headDim, String message) {
        Map<String, GgufValue> keys = keys();
        keys.put("llama.attention.head_count", GgufValue.uint32(heads));
        keys.put("llama.attention.head_count_kv", GgufValue.uint32(heads == 48 ? 8 : 32768));
        for (String key : new String[] {"attention.key_length", "attention.value_length", "rope.dimension_count"}) {
            keys.put("llama." + key, GgufValue.uint32(headDim));
        }
        assertThatThrownBy(() -> read(keys))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("m.gguf: " + message);
    }

    @Test
    void missingKeyIsNamed() {
        Map<String, GgufValue> keys = keys();
        keys.remove("llama.expert_used_count");
        assertThatThrownBy(() -> read(keys))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("m.gguf: metadata key llama.expert_used_count is missing, expected an integer");
    }

    private static Map<String, GgufValue> keys() {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put("general.architecture", GgufValue.text("llama"));
        keys.put("llama.block_count", GgufValue.uint32(56));
        keys.put("llama.context_length", GgufValue.uint32(65536));
        keys.put("llama.embedding_length", GgufValue.uint32(6144));
        keys.put("llama.feed_forward_length", GgufValue.uint32(16384));
        keys.put("llama.attention.head_count", GgufValue.uint32(48));
        keys.put("llama.attention.head_count_kv", GgufValue.uint32(8));
        keys.put("llama.attention.layer_norm_rms_epsilon", GgufValue.float32(1e-5f));
        keys.put("llama.rope.dimension_count", GgufValue.uint32(128));
        keys.put("llama.rope.freq_base", GgufValue.float32(1e6f));
        keys.put("llama.expert_count", GgufValue.uint32(8));
        keys.put("llama.expert_used_count", GgufValue.uint32(2));
        keys.put("llama.vocab_size", GgufValue.uint32(32768));
        return keys;
    }

    private ModelConfig read(Map<String, GgufValue> keys) throws IOException {
        Path file = folder.resolve("m.gguf");
        GgufWriter.write(file, keys, List.of(), 1, (tensor, sink) -> {});
        try (GgufCheckpoint checkpoint = (GgufCheckpoint) Checkpoint.open(file)) {
            return GgufConfig.read("m.gguf", checkpoint.metadata(), () -> 777, RopeLayout.INTERLEAVED, false);
        }
    }
}
