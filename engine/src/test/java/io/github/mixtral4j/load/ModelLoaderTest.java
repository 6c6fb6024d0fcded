package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.LoadMode;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.RawTensors;
import io.github.mixtral4j.testkit.TinyConfig;
import io.github.mixtral4j.testkit.TinyGguf;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinyMixtral.GgufStyle;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every container gives the same model.
class ModelLoaderTest {
    static final TinyMixtral MIXTURE = TinyMixtral.create(small(TinyConfig.mixtral()), 7);
    private static final TinyMixtral DENSE = TinyMixtral.create(small(TinyConfig.dense()), 7);

    @TempDir
    Path folder;

    private static TinyConfig small(TinyConfig c) {
        return new TinyConfig(64, 96, 2, 4, 2, 16, 50, c.numExperts(), c.numExpertsPerToken(), 1024, 1e-5, 1e6);
    }

    interface Writer {
        Path write(TinyMixtral model, Path folder) throws IOException;
    }

    record Container(String name, boolean mixtureOnly, TensorNaming naming, Writer writer) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Container> containers() {
        return Stream.of(
                gguf("GGUF", TensorNaming.GGUF, new GgufStyle(3, true, 1)),
                gguf("GGUF version 2", TensorNaming.GGUF, new GgufStyle(2, true, 1)),
                gguf("GGUF shards", TensorNaming.GGUF, new GgufStyle(3, true, 3)),
                new Container(
                        "GGUF split experts",
                        true,
                        TensorNaming.GGUF_SPLIT_EXPERTS,
                        (m, f) -> m.writeGguf(f.resolve("m.gguf"), new GgufStyle(3, false, 1))),
                new Container(
                        "GGUF split experts in shards and disorder",
                        true,
                        TensorNaming.GGUF_SPLIT_EXPERTS,
                        (m, f) -> shuffled(m, f)),
                huggingFace(1),
                huggingFace(3),
                new Container(
                        "Hugging Face, fused in mlp",
                        true,
                        TensorNaming.HUGGING_FACE_FUSED,
                        (m, f) -> Containers.writeFused(m, f, "mlp")),
                new Container(
                        "Hugging Face, fused in block_sparse_moe",
                        true,
                        TensorNaming.HUGGING_FACE_FUSED,
                        (m, f) -> Containers.writeFused(m, f, "block_sparse_moe")),
                mistral(1),
                mistral(2));
    }

    private static Container gguf(String name, TensorNaming naming, GgufStyle style) {
        return new Container(name, false, naming, (m, f) -> m.writeGguf(f.resolve("m.gguf"), style));
    }

    private static Container huggingFace(int shards) {
        return new Container("Hugging Face, " + shards, false, TensorNaming.HUGGING_FACE, (m, f) -> {
            m.writeHuggingFace(f, shards);
            return f;
        });
    }

    private static Container mistral(int shards) {
        return new Container("Mistral, " + shards, false, TensorNaming.MISTRAL, (m, f) -> {
            m.writeMistral(f, shards);
            return f;
        });
    }

    /// As old converters left it: no order among the experts.
    private static Path shuffled(TinyMixtral model, Path folder) throws IOException {
        Path file = model.writeGguf(folder.resolve("m.gguf"), new GgufStyle(3, false, 1));
        List<RawTensor> tensors =
                new ArrayList<>(RawTensors.readGguf(file).byName().values());
        Collections.shuffle(tensors, new Random(3));
        TinyGguf.write(file, 3, ggufMetadata(model.config()), tensors);
        return file;
    }

    @ParameterizedTest
    @MethodSource("containers")
    void everyContainerGivesTheSameMixture(Container container) throws IOException {
        check(container, MIXTURE);
    }

    @ParameterizedTest
    @MethodSource("containers")
    void everyContainerGivesTheSameDenseModel(Container container) throws IOException {
        if (!container.mixtureOnly()) {
            check(container, DENSE);
        }
    }

    private void check(Container container, TinyMixtral model) throws IOException {
        Path path = container.writer().write(model, folder);
        for (LoadMode mode : LoadMode.values()) {
            try (LoadedModel loaded = ModelLoader.load(path, LoadOptions.DEFAULT.withMode(mode))) {
                assertThat(loaded.naming()).isEqualTo(container.naming());
                TinyConfig c = model.config();
                assertThat(loaded.config())
                        .isEqualTo(new MixtralConfig(
                                64,
                                96,
                                2,
                                4,
                                2,
                                16,
                                50,
                                c.numExperts(),
                                c.numExpertsPerToken(),
                                1024,
                                1e-5f,
                                1e6f,
                                container.naming().rope()));
                Map<String, float[]> numbers = Containers.numbers(loaded);
                assertThat(numbers.keySet())
                        .containsExactlyInAnyOrderElementsOf(
                                model.tensors().byName().keySet());
                numbers.forEach((name, found) -> assertThat(found)
                        .as(name)
                        .isEqualTo(floats(model.tensors().get(name))));
            }
        }
    }

    @Test
    void stackedExpertsAreSlicesOfTheFile() throws IOException {
        Path file = MIXTURE.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        try (LoadedModel loaded = ModelLoader.load(file)) {
            MemorySegment stack =
                    loaded.checkpoint().tensor("blk.1.ffn_up_exps.weight").data();
            MoeWeights moe = (MoeWeights) loaded.weights().layers().get(1).feedForward();
            assertThat(moe.experts().get(5).upProj().data().address())
                    .isEqualTo(stack.address() + stack.byteSize() / 6 * 5);
            assertThat(moe.experts().get(5).upProj().name()).isEqualTo("blk.1.ffn_up_exps.weight[5]");
        }
    }

    @Test
    void embeddingIsTheHeadOfTiedModels() throws IOException {
        Path file = MIXTURE.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        rewriteGguf(
                file,
                tensors -> tensors.stream()
                        .filter(tensor -> !tensor.name().equals("output.weight"))
                        .toList());
        MIXTURE.writeHuggingFace(folder.resolve("hf"), 1);
        edit(folder.resolve("hf/config.json"), "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
        for (Path path : new Path[] {file, folder.resolve("hf")}) {
            try (LoadedModel loaded = ModelLoader.load(path)) {
                assertThat(loaded.weights().output()).isSameAs(loaded.weights().embedding());
            }
        }
    }

    @Test
    void quantizedFormatsKeepTheirBlocks() throws IOException {
        TinyMixtral model = TinyMixtral.create(
                TinyConfig.mixtral(), 3, name -> name.contains("w2") ? BlockFormat.Q6_K : BlockFormat.Q4_K);
        Path file = model.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        try (LoadedModel loaded = ModelLoader.load(file)) {
            MoeWeights moe = (MoeWeights) loaded.weights().layers().get(0).feedForward();
            assertThat(moe.experts().get(1).downProj().dtype()).isEqualTo(DType.Q6_K);
            assertThat(moe.experts().get(1).gateProj().dtype()).isEqualTo(DType.Q4_K);
            assertThat(moe.router().dtype()).isEqualTo(DType.F32);
        }
    }

    @Test
    void optionsChangeExpertsAndContext() throws IOException {
        Path file = MIXTURE.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        LoadOptions options = LoadOptions.DEFAULT.withExpertsPerToken(3).withContextLength(99);
        try (LoadedModel loaded = ModelLoader.load(file, options)) {
            assertThat(loaded.config().numExpertsPerToken()).isEqualTo(3);
            assertThat(loaded.config().contextLength()).isEqualTo(99);
        }
        assertThatThrownBy(() -> ModelLoader.load(file, LoadOptions.DEFAULT.withExpertsPerToken(7))
                        .close())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("experts per token must be at most the model's 6, got 7");
        assertThatThrownBy(() -> LoadOptions.DEFAULT.withExpertsPerToken(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("experts per token must be >= 0, got -1");
    }

    @Test
    void failedLoadLeavesTheFileReplaceable() throws IOException {
        Path file = MIXTURE.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        assertThatThrownBy(() -> ModelLoader.load(file, LoadOptions.DEFAULT.withExpertsPerToken(7)));
        Files.delete(file);
        assertThat(file).doesNotExist();
    }

    static void rewriteGguf(Path file, UnaryOperator<List<RawTensor>> change) throws IOException {
        List<RawTensor> tensors =
                new ArrayList<>(RawTensors.readGguf(file).byName().values());
        TinyGguf.write(file, 3, ggufMetadata(MIXTURE.config()), change.apply(tensors));
    }

    static Map<String, Object> ggufMetadata(TinyConfig c) {
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("general.architecture", "llama");
        keys.put("llama.block_count", c.numLayers());
        keys.put("llama.context_length", c.contextLength());
        keys.put("llama.embedding_length", c.hiddenSize());
        keys.put("llama.feed_forward_length", c.intermediateSize());
        keys.put("llama.attention.head_count", c.numHeads());
        keys.put("llama.attention.head_count_kv", c.numKvHeads());
        keys.put("llama.attention.layer_norm_rms_epsilon", (float) c.rmsNormEps());
        keys.put("llama.rope.freq_base", (float) c.ropeTheta());
        keys.put("llama.expert_count", c.numExperts());
        keys.put("llama.expert_used_count", c.numExpertsPerToken());
        return keys;
    }

    private static void edit(Path file, String before, String after) throws IOException {
        String text = Files.readString(file);
        assertThat(text).contains(before);
        Files.writeString(file, text.replace(before, after));
    }

    private static float[] floats(RawTensor tensor) {
        double[] values = tensor.values();
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
