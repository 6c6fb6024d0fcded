package io.github.mixtral4j.load;

import static io.github.mixtral4j.load.AdapterFiles.NO_ADAPTER;
import static io.github.mixtral4j.load.AdapterFiles.PLACE;
import static io.github.mixtral4j.load.AdapterFiles.gguf;
import static io.github.mixtral4j.load.AdapterFiles.holding;
import static io.github.mixtral4j.load.AdapterFiles.refuses;
import static io.github.mixtral4j.load.AdapterFiles.rightGguf;
import static io.github.mixtral4j.load.AdapterFiles.tensor;

import io.github.mixtral4j.testkit.RawTensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// GGUF adapters that lie, or that are for another model. Each is refused with one sentence.
final class HostileGgufAdapterTest {
    private static final String TENSORS = PLACE + "attn_q, attn_k, attn_v, attn_output, ffn_gate_inp, ffn_gate, ffn_up "
            + "and ffn_down (of a mixture ffn_gate_exps, ffn_up_exps and ffn_down_exps)";

    @TempDir
    Path folder;

    record GgufLie(String name, Map<String, Object> keys, List<RawTensor> tensors, String message) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static GgufLie key(String key, Object value, String message) {
        return new GgufLie(key + " " + value, Map.of(key, value), rightGguf(), message);
    }

    private static GgufLie lie(String name, String message, RawTensor... tensors) {
        return new GgufLie(name, Map.of(), List.of(tensors), message);
    }

    @ParameterizedTest
    @MethodSource("ggufLies")
    void refusesGguf(GgufLie lie) throws IOException {
        Path file = gguf(folder.resolve("lora.gguf"), lie.keys(), lie.tensors().toArray(RawTensor[]::new));
        refuses(file, "lora.gguf: " + lie.message());
    }

    static List<GgufLie> ggufLies() {
        String says = "; a LoRA adapter of this engine's models says ";
        return List.of(
                key("general.type", "model", NO_ADAPTER),
                key("general.architecture", "qwen2", "general.architecture is \"qwen2\"" + says + "\"llama\""),
                key("adapter.type", "control", "adapter.type is \"control\"" + says + "\"lora\""),
                key("adapter.lora.alpha", Float.NaN, "adapter.lora.alpha: expected a finite number, found NaN"),
                key(
                        "adapter.lora.alpha",
                        "8",
                        "metadata key adapter.lora.alpha: expected a floating-point number, found STRING \"8\""),
                key(
                        "adapter.alora.invocation_tokens",
                        new int[] {1},
                        "adapter.alora.invocation_tokens: this engine runs adapters that are on for every token"),
                lie("nothing", "the adapter changes nothing: it has no pair of low-rank matrices"),
                lie(
                        "only a",
                        "blk.0.attn_v.weight.lora_a is there, but blk.0.attn_v.weight.lora_b is not",
                        rightGguf().getFirst()),
                lie(
                        "only b",
                        "blk.0.attn_v.weight.lora_b is there, but blk.0.attn_v.weight.lora_a is not",
                        rightGguf().getLast()),
                lie(
                        "a and b of different ranks",
                        "blk.0.attn_v.weight.lora_a: expected shape [2, 32] from the model and rank 2, found [3, 32]",
                        tensor("blk.0.attn_v.weight.lora_a", 3, 32),
                        tensor("blk.0.attn_v.weight.lora_b", 16, 2)),
                lie(
                        "a rank that is not low",
                        "blk.0.attn_v.weight.lora_b: expected a rank of at most 6144, found 6400",
                        tensor("blk.0.attn_v.weight.lora_a", 6400, 32),
                        tensor("blk.0.attn_v.weight.lora_b", 16, 6400)),
                lie(
                        "a wider model",
                        "blk.0.attn_v.weight.lora_b: expected shape [16, 2] from the model and rank 2, found [24, 2]",
                        tensor("blk.0.attn_v.weight.lora_a", 2, 32),
                        tensor("blk.0.attn_v.weight.lora_b", 24, 2)),
                lie(
                        "a deeper model",
                        "blk.2.attn_v.weight.lora_a" + TENSORS,
                        tensor("blk.2.attn_v.weight.lora_a", 2, 32)),
                lie("the embedding", "token_embd.weight.lora_a" + TENSORS, tensor("token_embd.weight.lora_a", 2, 32)),
                lie("a whole matrix", "blk.0.attn_v.weight" + TENSORS, tensor("blk.0.attn_v.weight", 16, 32)),
                lie(
                        "a stack of another number of experts",
                        "blk.0.ffn_up_exps.weight.lora_a: expected a stack of 3 matrices, found shape [4, 2, 32]",
                        tensor("blk.0.ffn_up_exps.weight.lora_a", 4, 2, 32),
                        tensor("blk.0.ffn_up_exps.weight.lora_b", 4, 48, 2)),
                lie(
                        "a matrix where a stack should be",
                        "blk.0.ffn_up_exps.weight.lora_b: expected a stack of 3 matrices, found shape [48, 2]",
                        tensor("blk.0.ffn_up_exps.weight.lora_a", 3, 2, 32),
                        tensor("blk.0.ffn_up_exps.weight.lora_b", 48, 2)),
                lie(
                        "experts of another width",
                        "blk.0.ffn_up_exps.weight.lora_b[0]: expected shape [48, 2] from the model and rank 2, found "
                                + "[40, 2]",
                        tensor("blk.0.ffn_up_exps.weight.lora_a", 3, 2, 32),
                        tensor("blk.0.ffn_up_exps.weight.lora_b", 3, 40, 2)),
                lie(
                        "a number that is none",
                        "blk.0.attn_v.weight.lora_b: expected finite numbers, found NaN at element 5",
                        tensor("blk.0.attn_v.weight.lora_a", 2, 32),
                        holding("blk.0.attn_v.weight.lora_b", Float.NaN, 16, 2)));
    }
}
