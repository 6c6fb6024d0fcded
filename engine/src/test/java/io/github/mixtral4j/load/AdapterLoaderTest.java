package io.github.mixtral4j.load;

import static io.github.mixtral4j.load.AdapterFiles.CONFIG;
import static io.github.mixtral4j.load.AdapterFiles.TINY;
import static io.github.mixtral4j.load.AdapterFiles.gguf;
import static io.github.mixtral4j.load.AdapterFiles.peft;
import static io.github.mixtral4j.load.AdapterFiles.product;
import static io.github.mixtral4j.load.AdapterFiles.products;
import static io.github.mixtral4j.load.AdapterFiles.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.AdapterTarget.Kind;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.model.TestAdapters;
import io.github.mixtral4j.model.TestModel;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.TinyMixtral;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Adapters in both containers, for models with either order of rotary rows.
class AdapterLoaderTest {
    private static final MixtralConfig INTERLEAVED = TestModel.config(TINY, RopeLayout.INTERLEAVED);
    private static final MixtralConfig HALF_SPLIT = TestModel.config(TINY, RopeLayout.HALF_SPLIT);

    @TempDir
    Path folder;

    private static Adapter load(Path path, MixtralConfig base) throws IOException {
        try (LoadedAdapter loaded = AdapterLoader.load(path, base)) {
            Map<AdapterTarget, LowRank> copies = new LinkedHashMap<>();
            loaded.adapter().changes().forEach((target, change) -> copies.put(target, copy(change)));
            return new Adapter(loaded.adapter().name(), copies);
        }
    }

    private static LowRank copy(LowRank change) {
        return new LowRank(
                TestAdapters.tensor("a", change.a().rows(), change.a().cols(), change.aValues()),
                TestAdapters.tensor("b", change.b().rows(), change.b().cols(), change.bValues()),
                change.scale());
    }

    @Test
    void peftFolderIsReadByItsNames() throws IOException {
        String layer = "base_model.model.model.layers.1.";
        Map<String, AdapterTarget> names = new LinkedHashMap<>();
        names.put(layer + "self_attn.v_proj", new AdapterTarget(1, Kind.WV, 0));
        names.put(layer + "self_attn.o_proj", new AdapterTarget(1, Kind.WO, 0));
        names.put(layer + "block_sparse_moe.gate", new AdapterTarget(1, Kind.ROUTER, 0));
        names.put(layer + "block_sparse_moe.experts.2.w1", new AdapterTarget(1, Kind.GATE_PROJ, 2));
        names.put(layer + "block_sparse_moe.experts.2.w3", new AdapterTarget(1, Kind.UP_PROJ, 2));
        names.put(layer + "block_sparse_moe.experts.0.w2", new AdapterTarget(1, Kind.DOWN_PROJ, 0));
        Map<AdapterTarget, double[]> expected = new LinkedHashMap<>();
        Stream.Builder<RawTensor> tensors = Stream.builder();
        names.forEach((name, target) -> {
            RawTensor a = tensor(name + ".lora_A.weight", 2, target.cols(HALF_SPLIT));
            RawTensor b = tensor(name + ".lora_B.weight", target.rows(HALF_SPLIT), 2);
            tensors.add(b).add(a);
            expected.put(target, product(4, a.values(), b.values(), 2));
        });
        Path adapter = peft(folder.resolve("lora"), CONFIG, tensors.build().toArray(RawTensor[]::new));
        for (String path : List.of("", "adapter_config.json", "adapter_model.safetensors")) {
            Adapter read = load(adapter.resolve(path), HALF_SPLIT);
            assertThat(read.name()).isEqualTo("lora");
            assertSame(products(read), expected);
        }
    }

    /// A head of 8 rows: `i` and `i + 4` turn together in Hugging Face's order, `2 i` and `2 i + 1` in the other.
    @ParameterizedTest
    @EnumSource(
            value = Kind.class,
            names = {"WQ", "WK"})
    void rowsOfRotatedMatricesAreReordered(Kind kind) throws IOException {
        AdapterTarget target = new AdapterTarget(0, kind, 0);
        int rows = target.rows(INTERLEAVED);
        String module = kind == Kind.WQ ? "q_proj" : "k_proj";
        RawTensor a = tensor("base_model.model.model.layers.0.self_attn." + module + ".lora_A.weight", 2, 32);
        RawTensor b = tensor("base_model.model.model.layers.0.self_attn." + module + ".lora_B.weight", rows, 2);
        Path adapter = peft(folder.resolve("lora"), CONFIG, a, b);
        double[] same =
                Objects.requireNonNull(products(load(adapter, HALF_SPLIT)).get(target));
        assertThat(same).containsExactly(product(4, a.values(), b.values(), 2), within(1e-6));
        double[] interleaved =
                Objects.requireNonNull(products(load(adapter, INTERLEAVED)).get(target));
        for (int row = 0; row < rows; row++) {
            int within = row % 8;
            int other = row - within + 2 * (within % 4) + within / 4;
            for (int i = 0; i < 32; i++) {
                assertThat(interleaved[other * 32 + i]).isEqualTo(same[row * 32 + i]);
            }
        }
    }

    @Test
    void scaleComesFromAlphaRankAndTheirPatterns() throws IOException {
        RawTensor[] tensors = {
            tensor("base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight", 2, 32),
            tensor("base_model.model.model.layers.0.self_attn.o_proj.lora_B.weight", 32, 2),
            tensor("base_model.model.model.layers.1.self_attn.o_proj.lora_A.default.weight", 9, 32),
            tensor("base_model.model.model.layers.1.self_attn.o_proj.lora_B.default.weight", 32, 9),
            tensor("base_model.model.model.layers.1.mlp.experts.1.w1.lora_A.weight", 4, 32),
            tensor("base_model.model.model.layers.1.mlp.experts.1.w1.lora_B.weight", 48, 4)
        };
        String patterns = """
                {"peft_type": "LORA", "r": 2, "lora_alpha": 8, "use_rslora": %s, "modules_to_save": null, "bias": "all",
                 "rank_pattern": {"^model\\\\.layers\\\\.1\\\\.self_attn\\\\.o_proj": 9, "w1": 4},
                 "alpha_pattern": {"^o_proj": 3, "experts.1.w1": 0.5}, "init_lora_weights": true, "target_modules": "all-linear", "lora_dropout": 0.1}
                """;
        Path plain = peft(folder.resolve("plain"), patterns.formatted("false"), tensors);
        assertThat(load(plain, HALF_SPLIT).changes().values().stream().map(LowRank::scale))
                .containsExactly(4f, 8f / 9, 0.125f);
        Path stabilized = peft(folder.resolve("rs"), patterns.formatted("true"), tensors);
        assertThat(load(stabilized, HALF_SPLIT).changes().values().stream().map(LowRank::scale))
                .containsExactly((float) (8 / Math.sqrt(2)), 8f / 3, 0.25f);
    }

    @Test
    void ggufIsReadByItsNames() throws IOException {
        Map<String, AdapterTarget> names = new LinkedHashMap<>();
        names.put("blk.1.attn_q.weight", new AdapterTarget(1, Kind.WQ, 0));
        names.put("blk.0.attn_k.weight", new AdapterTarget(0, Kind.WK, 0));
        names.put("blk.1.attn_v.weight", new AdapterTarget(1, Kind.WV, 0));
        names.put("blk.1.attn_output.weight", new AdapterTarget(1, Kind.WO, 0));
        names.put("blk.0.ffn_gate_inp.weight", new AdapterTarget(0, Kind.ROUTER, 0));
        Map<AdapterTarget, double[]> expected = new LinkedHashMap<>();
        Stream.Builder<RawTensor> tensors = Stream.builder();
        names.forEach((name, target) -> {
            RawTensor a = tensor(name + ".lora_a", 2, target.cols(INTERLEAVED));
            RawTensor b = tensor(name + ".lora_b", target.rows(INTERLEAVED), 2);
            tensors.add(a).add(b);
            expected.put(target, product(4, a.values(), b.values(), 2));
        });
        for (Kind kind : List.of(Kind.GATE_PROJ, Kind.UP_PROJ, Kind.DOWN_PROJ)) {
            String name = Map.of(Kind.GATE_PROJ, "gate", Kind.UP_PROJ, "up").getOrDefault(kind, "down");
            int rows = kind == Kind.DOWN_PROJ ? 32 : 48;
            RawTensor a = tensor("blk.1.ffn_" + name + "_exps.weight.lora_a", 3, 5, 80 - rows);
            RawTensor b = tensor("blk.1.ffn_" + name + "_exps.weight.lora_b", 3, rows, 5);
            tensors.add(a).add(b);
            for (int e = 0; e < 3; e++) {
                double[] partA = Arrays.copyOfRange(a.values(), e * 5 * (80 - rows), (e + 1) * 5 * (80 - rows));
                double[] partB = Arrays.copyOfRange(b.values(), e * rows * 5, (e + 1) * rows * 5);
                expected.put(new AdapterTarget(1, kind, e), product(8 / 5.0, partA, partB, 5));
            }
        }
        Path file = gguf(folder.resolve("lora.gguf"), Map.of(), tensors.build().toArray(RawTensor[]::new));
        assertSame(products(load(file, INTERLEAVED)), expected);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void noAlphaOfGgufIsAScaleOfOne(boolean isSaid) throws IOException {
        Path file = gguf(
                folder.resolve("lora.gguf"),
                Map.of("adapter.lora.alpha", isSaid ? 0f : AdapterFiles.ABSENT),
                tensor("blk.1.attn_v.weight.lora_a", 2, 32),
                tensor("blk.1.attn_v.weight.lora_b", 16, 2));
        assertThat(load(file, INTERLEAVED).changes().values().iterator().next().scale())
                .isEqualTo(1f);
    }

    /// Experts of different ranks and scales, one of them not changed at all.
    private static Adapter mixed(MixtralConfig config) {
        Map<AdapterTarget, LowRank> changes = new LinkedHashMap<>();
        changes.putAll(
                TestAdapters.random(config, 3, 1, target -> !target.kind().isOfExpert())
                        .changes());
        changes.putAll(TestAdapters.random(config, 5, 2, target -> target.kind().isOfExpert() && target.expert() == 2)
                .times(0.3f)
                .changes());
        changes.putAll(
                TestAdapters.random(config, 2, 3, target -> target.kind() == Kind.UP_PROJ && target.expert() == 0)
                        .times(-1)
                        .changes());
        return new Adapter("mixed", changes);
    }

    @ParameterizedTest
    @EnumSource(RopeLayout.class)
    void whatIsWrittenAsPeftIsReadBack(RopeLayout rope) throws IOException {
        MixtralConfig config = TestModel.config(TINY, rope);
        Adapter adapter = mixed(config);
        AdapterWriter.writePeft(folder.resolve("lora"), adapter, config, "base");
        Adapter read = load(folder.resolve("lora"), config);
        assertThat(read.changes().keySet()).isEqualTo(adapter.changes().keySet());
        read.changes().forEach((target, change) -> {
            LowRank written = Objects.requireNonNull(adapter.changes().get(target));
            assertThat(change.scale()).isEqualTo(written.scale());
            assertThat(change.aValues()).isEqualTo(written.aValues());
            assertThat(change.bValues()).isEqualTo(written.bValues());
        });
    }

    @ParameterizedTest
    @EnumSource(RopeLayout.class)
    void whatIsWrittenAsGgufIsReadBack(RopeLayout rope) throws IOException {
        MixtralConfig config = TestModel.config(TINY, rope);
        Adapter adapter = mixed(config);
        AdapterWriter.writeGguf(folder.resolve("lora.gguf"), adapter, config);
        Map<AdapterTarget, double[]> read = products(load(folder.resolve("lora.gguf"), config));
        Map<AdapterTarget, double[]> expected = products(adapter);
        read.keySet().stream()
                .filter(target -> !expected.containsKey(target))
                .toList()
                .forEach(target ->
                        assertThat(read.remove(target)).as("filled up").containsOnly(0));
        assertSame(read, expected);
    }

    @Test
    void denseModelsHaveAdaptersToo() throws IOException {
        MixtralConfig dense = TestModel.config(TINY.withExperts(1, 1), RopeLayout.HALF_SPLIT);
        Adapter adapter = TestAdapters.random(dense, 2, 9, target -> true);
        AdapterWriter.writePeft(folder.resolve("lora"), adapter, dense, "base");
        AdapterWriter.writeGguf(folder.resolve("lora.gguf"), adapter, dense);
        assertSame(products(load(folder.resolve("lora"), dense)), products(adapter));
        assertSame(products(load(folder.resolve("lora.gguf"), dense)), products(adapter));
        assertThat(Files.readString(folder.resolve("lora/adapter_model.safetensors"), StandardCharsets.ISO_8859_1))
                .contains("\"base_model.model.model.layers.1.mlp.up_proj.lora_B.weight\"");
    }

    @Test
    void peftConfigNamesWhatIsChangedAndNothingElse() throws IOException {
        Map<AdapterTarget, LowRank> changes = new LinkedHashMap<>();
        changes.putAll(TestAdapters.random(HALF_SPLIT, 4, 1, target -> target.kind() == Kind.WQ)
                .changes());
        changes.putAll(TestAdapters.random(
                        HALF_SPLIT,
                        3,
                        1,
                        target -> target.kind() == Kind.DOWN_PROJ && target.expert() == 1 && target.layer() == 0)
                .changes());
        AdapterWriter.writePeft(folder.resolve("lora"), new Adapter("x", changes), HALF_SPLIT, "tiny/base");
        assertThat(folder.resolve("lora/adapter_config.json")).hasContent("""
                {
                  "peft_type" : "LORA",
                  "task_type" : "CAUSAL_LM",
                  "base_model_name_or_path" : "tiny/base",
                  "r" : 4,
                  "lora_alpha" : 2,
                  "rank_pattern" : {
                    "model.layers.0.block_sparse_moe.experts.1.w2" : 3
                  },
                  "alpha_pattern" : {
                    "model.layers.0.block_sparse_moe.experts.1.w2" : 1.5
                  },
                  "target_modules" : [ "q_proj", "model.layers.0.block_sparse_moe.experts.1.w2" ],
                  "lora_dropout" : 0.0,
                  "bias" : "none",
                  "fan_in_fan_out" : false,
                  "use_rslora" : false,
                  "use_dora" : false,
                  "init_lora_weights" : true,
                  "inference_mode" : true,
                  "modules_to_save" : null
                }
                """);
    }

    @Test
    void anAdapterIsNoModel() throws IOException {
        Adapter adapter = TestAdapters.random(INTERLEAVED, 2, 1, target -> target.kind() == Kind.WV);
        AdapterWriter.writeGguf(folder.resolve("lora.gguf"), adapter, INTERLEAVED);
        AdapterWriter.writePeft(folder.resolve("lora"), adapter, INTERLEAVED, "base");
        for (String name : List.of("lora.gguf", "lora")) {
            assertThatThrownBy(() -> ModelLoader.load(folder.resolve(name)).close())
                    .isInstanceOf(CheckpointException.class)
                    .hasMessage(name + ": is an adapter, not a model; open the model it was made for and add the "
                            + "adapter to it (--adapter)");
        }
    }

    @Test
    void anAdapterMayLieInTheFolderOfItsModel() throws IOException {
        TinyMixtral model = TinyMixtral.create(TINY, 3);
        model.writeHuggingFace(folder, 1);
        Adapter adapter = TestAdapters.random(HALF_SPLIT, 2, 1, target -> target.kind() == Kind.WV);
        AdapterWriter.writePeft(folder.resolve("lora"), adapter, HALF_SPLIT, "base");
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            Files.move(folder.resolve("lora").resolve(file), folder.resolve(file));
        }
        try (LoadedModel loaded = ModelLoader.load(folder);
                LoadedAdapter lora = AdapterLoader.load(folder, loaded.config())) {
            assertSame(products(lora.adapter()), products(adapter));
        }
    }

    private static void assertSame(Map<AdapterTarget, double[]> got, Map<AdapterTarget, double[]> want) {
        assertThat(got.keySet()).containsExactlyInAnyOrderElementsOf(want.keySet());
        got.forEach((target, numbers) -> assertThat(numbers)
                .as(target.toString())
                .containsExactly(Objects.requireNonNull(want.get(target)), within(1e-5)));
    }
}
