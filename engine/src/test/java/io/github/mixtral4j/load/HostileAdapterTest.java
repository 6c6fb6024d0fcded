package io.github.mixtral4j.load;

import static io.github.mixtral4j.load.AdapterFiles.BASE;
import static io.github.mixtral4j.load.AdapterFiles.CONFIG;
import static io.github.mixtral4j.load.AdapterFiles.NO_ADAPTER;
import static io.github.mixtral4j.load.AdapterFiles.PLACE;
import static io.github.mixtral4j.load.AdapterFiles.gguf;
import static io.github.mixtral4j.load.AdapterFiles.holding;
import static io.github.mixtral4j.load.AdapterFiles.peft;
import static io.github.mixtral4j.load.AdapterFiles.refuses;
import static io.github.mixtral4j.load.AdapterFiles.rightGguf;
import static io.github.mixtral4j.load.AdapterFiles.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Adapters that lie, or that are for another model. Each is refused with one sentence.
class HostileAdapterTest {
    private static final String V = "base_model.model.model.layers.0.self_attn.v_proj.lora_";
    private static final String MODULES = PLACE + "q_proj, k_proj, v_proj, o_proj, gate, w1, w2 and w3";

    @TempDir
    Path folder;

    record Lie(String name, String config, List<RawTensor> tensors, String message) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Lie config(String json, String message) {
        return new Lie(json, json, right(), "adapter_config.json: " + message);
    }

    private static Lie with(String field, String message) {
        return config(CONFIG.replace("}", ", " + field + "}"), message);
    }

    private static Lie tensors(String name, String message, RawTensor... tensors) {
        return new Lie(name, CONFIG, List.of(tensors), "lora: " + message);
    }

    private static List<RawTensor> right() {
        return List.of(tensor(V + "A.weight", 2, 32), tensor(V + "B.weight", 16, 2));
    }

    @ParameterizedTest
    @MethodSource("peftLies")
    void refusesPeft(Lie lie) throws IOException {
        Path adapter = peft(folder.resolve("lora"), lie.config(), lie.tensors().toArray(RawTensor[]::new));
        refuses(adapter, lie.message());
    }

    static List<Lie> peftLies() {
        String plain = "; this engine runs plain LoRA of attention, router and experts";
        return List.of(
                config("{}", "peft_type is missing, expected a text"),
                config("{\"peft_type\": \"IA3\"}", "peft_type is \"IA3\"; this engine runs \"LORA\""),
                config("{\"peft_type\": \"LORA\", \"lora_alpha\": 8}", "r is missing, expected a whole number"),
                config("{\"peft_type\": \"LORA\", \"r\": 2}", "lora_alpha is missing, expected a number"),
                config(
                        "{\"peft_type\": \"LORA\", \"r\": NaN, \"lora_alpha\": 8}",
                        "malformed JSON: Non-standard token 'NaN': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` "
                                + "to allow"),
                config(CONFIG.replace("2", "\"NaN\""), "r: expected a whole number, found \"NaN\""),
                config(CONFIG.replace("2", "2.5"), "r: expected a whole number, found 2.5"),
                config(CONFIG.replace("2", "0"), "r: expected a rank of 1 to 6144, found 0"),
                config(CONFIG.replace("2", "-2"), "r: expected a rank of 1 to 6144, found -2"),
                config(CONFIG.replace("2", "99999999999"), "r: expected a whole number, found 99999999999"),
                config(CONFIG.replace("8", "1e300"), "lora_alpha: expected a finite number, found 1.0E300"),
                config(CONFIG.replace("8", "[8]"), "lora_alpha: expected a number, found [8]"),
                with("\"use_dora\": true", "use_dora is true; this engine runs plain LoRA, without it"),
                with("\"lora_bias\": true", "lora_bias is true; this engine runs plain LoRA, without it"),
                with("\"fan_in_fan_out\": true", "fan_in_fan_out is true; this engine runs plain LoRA, without it"),
                with("\"modules_to_save\": [\"lm_head\"]", "modules_to_save is set" + plain),
                with(
                        "\"target_parameters\": [\"mlp.experts.down_proj\"]",
                        "target_parameters is set: the adapter is of experts that are fused, as transformers 5 has them;"
                                + " this engine runs pairs for each expert's w1, w2 and w3"),
                with(
                        "\"init_lora_weights\": \"pissa_niter_16\"",
                        "init_lora_weights is \"pissa_niter_16\": such an adapter belongs to a base that was changed, "
                                + "too; save it with path_initial_model_for_weight_conversion, as PEFT has it"),
                with("\"layer_replication\": [[0, 2]]", "layer_replication is set" + plain),
                with("\"trainable_token_indices\": [7]", "trainable_token_indices is set" + plain),
                with("\"alora_invocation_tokens\": [1]", "alora_invocation_tokens is set" + plain),
                with(
                        "\"rank_pattern\": {\"(a+)+b\": 2}",
                        "rank_pattern: expected names of modules, found the expression (a+)+b"),
                with(
                        "\"alpha_pattern\": {\"layers\\\\.\\\\d\": 2}",
                        "alpha_pattern: expected names of modules, found the expression layers\\.\\d"),
                with(
                        "\"alpha_pattern\": {\"w.\": 2}",
                        "alpha_pattern: expected names of modules, found the expression w."),
                new Lie(
                        "an endless name of a module",
                        CONFIG.replace("}", ", \"rank_pattern\": {\"" + "a.".repeat(10_000) + "b\": 2}}"),
                        right(),
                        "adapter_config.json: rank_pattern: expected names of modules, found the expression "
                                + "a.".repeat(30) + "…"),
                with("\"rank_pattern\": {\"w1\": -1}", "rank_pattern: w1: expected a rank of 1 to 6144, found -1"),
                with("\"rank_pattern\": 7", "rank_pattern: expected an object, found 7"),
                with("\"alpha_pattern\": {\"w1\": true}", "alpha_pattern: w1: expected a number, found true"),
                tensors("nothing", "the adapter changes nothing: it has no pair of low-rank matrices"),
                tensors("only A", V + "A.weight is there, but " + V + "B.weight is not", right().getFirst()),
                tensors("only B", V + "B.weight is there, but " + V + "A.weight is not", right().getLast()),
                tensors(
                        "another rank than the config's",
                        V + "A.weight: expected shape [2, 32] from the model and rank 2, found [3, 32]",
                        tensor(V + "A.weight", 3, 32),
                        tensor(V + "B.weight", 16, 3)),
                tensors(
                        "a wider model",
                        V + "A.weight: expected shape [2, 32] from the model and rank 2, found [2, 64]",
                        tensor(V + "A.weight", 2, 64),
                        tensor(V + "B.weight", 16, 2)),
                tensors(
                        "more heads",
                        V + "B.weight: expected shape [16, 2] from the model and rank 2, found [32, 2]",
                        tensor(V + "A.weight", 2, 32),
                        tensor(V + "B.weight", 32, 2)),
                tensors(
                        "a vector",
                        V + "B.weight: expected shape [16, 2] from the model and rank 2, found [32]",
                        tensor(V + "A.weight", 2, 32),
                        tensor(V + "B.weight", 32)),
                tensors(
                        "a deeper model",
                        V.replace("0", "2") + "A.weight" + MODULES,
                        tensor(V.replace("0", "2") + "A.weight", 2, 32)),
                tensors(
                        "more experts",
                        "base_model.model.model.layers.0.block_sparse_moe.experts.3.w1.lora_A.weight" + MODULES,
                        tensor("base_model.model.model.layers.0.block_sparse_moe.experts.3.w1.lora_A.weight", 2, 32)),
                tensors(
                        "the head",
                        "base_model.model.lm_head.lora_A.weight" + MODULES,
                        tensor("base_model.model.lm_head.lora_A.weight", 2, 32)),
                tensors("a magnitude of DoRA", V + "magnitude_vector" + MODULES, tensor(V + "magnitude_vector", 16)),
                tensors(
                        "a number that is none",
                        V + "A.weight: expected finite numbers, found NaN at element 5",
                        holding(V + "A.weight", Float.NaN, 2, 32),
                        tensor(V + "B.weight", 16, 2)),
                tensors(
                        "an infinite number",
                        V + "B.weight: expected finite numbers, found -Infinity at element 5",
                        tensor(V + "A.weight", 2, 32),
                        holding(V + "B.weight", Float.NEGATIVE_INFINITY, 16, 2)));
    }

    @Test
    void aModelIsNoAdapter() throws IOException {
        Path file = gguf(
                folder.resolve("m.gguf"), Map.of("general.type", 7), rightGguf().toArray(RawTensor[]::new));
        refuses(file, "m.gguf: metadata key general.type: expected a text, found UINT32 7");
        Path model = Files.createDirectory(folder.resolve("hf"));
        TinyMixtral.create(AdapterFiles.TINY, 1).writeHuggingFace(model, 1);
        refuses(model, "hf: " + NO_ADAPTER);
    }

    @Test
    void formatsThatCannotBeReadAreNamed() throws IOException {
        Path adapter = peft(folder.resolve("lora"), CONFIG, right().toArray(RawTensor[]::new));
        Path weights = adapter.resolve("adapter_model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        byte[] lying = new String(bytes, StandardCharsets.ISO_8859_1)
                .replaceFirst("\"F32\"", "\"I32\"")
                .getBytes(StandardCharsets.ISO_8859_1);
        Files.write(weights, lying);
        refuses(adapter, "adapter_model.safetensors: " + V + "A.weight: I32 cannot be read; expected F32, F16 or BF16");
    }

    @Test
    void picklesAreRefused() throws IOException {
        Path adapter = Files.createDirectory(folder.resolve("lora"));
        Files.writeString(adapter.resolve("adapter_config.json"), CONFIG);
        refuses(
                adapter,
                adapter.resolve("adapter_config.json")
                        + ": there are no weights beside it; expected adapter_model.safetensors (or shards)");
        Files.write(adapter.resolve("adapter_model.bin"), new byte[] {'P', 'K', 3, 4});
        refuses(
                adapter,
                adapter.resolve("adapter_model.bin")
                        + ": a PyTorch archive, which can run code; save the adapter as adapter_model.safetensors");
    }

    @Test
    void ranksMayBeStoredInAnyFloatFormat() throws IOException {
        RawTensor a = tensor(V + "A.weight", 2, 32);
        RawTensor half = new RawTensor(V + "A.weight", BlockFormat.BF16, new int[] {2, 32}, bfloat(a));
        Path adapter = peft(folder.resolve("lora"), CONFIG, half, right().getLast());
        try (LoadedAdapter loaded = AdapterLoader.load(adapter, BASE)) {
            assertThat(loaded.adapter().changes()).hasSize(1);
        }
    }

    private static byte[] bfloat(RawTensor tensor) {
        ByteBuffer out = ByteBuffer.allocate(tensor.bytes().length / 2).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : tensor.values()) {
            out.putShort((short) (Float.floatToRawIntBits((float) value) >> 16));
        }
        return out.array();
    }

    /// Whatever is wrong with the bytes, it is said in one sentence.
    @Test
    void damagedFilesAreLoadedOrRefused() throws IOException {
        Path adapter = peft(folder.resolve("lora"), CONFIG, right().toArray(RawTensor[]::new));
        Path file = gguf(folder.resolve("lora.gguf"), Map.of(), rightGguf().toArray(RawTensor[]::new));
        damage(adapter.resolve("adapter_config.json"), adapter);
        damage(adapter.resolve("adapter_model.safetensors"), adapter);
        damage(file, file);
    }

    private static void damage(Path file, Path adapter) throws IOException {
        byte[] valid = Files.readAllBytes(file);
        AdapterLoader.load(adapter, BASE).close();
        Random random = new Random(20240517);
        int refused = 0;
        for (int i = 0; i < 200; i++) {
            byte[] damaged = valid.clone();
            int at = random.nextInt(Math.min(valid.length, 500));
            damaged[at] = (byte) (random.nextBoolean() ? damaged[at] ^ 1 << random.nextInt(8) : random.nextInt());
            Files.write(file, damaged);
            try {
                AdapterLoader.load(adapter, BASE).close();
            } catch (CheckpointException e) {
                assertThat(e.getMessage()).isNotBlank();
                refused++;
            } catch (Throwable e) {
                fail(file.getFileName() + ", case " + i, e);
            }
        }
        Files.write(file, valid);
        assertThat(refused).isGreaterThan(20);
    }
}
