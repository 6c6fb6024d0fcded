package io.github.mixtral4j.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.RawTensors;
import io.github.mixtral4j.testkit.TinyGguf;
import io.github.mixtral4j.testkit.TinyMixtral.GgufStyle;
import io.github.mixtral4j.testkit.TinySafetensors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Files that are no model of the architecture are refused, and it is said where.
class RefusedModelTest {
    @TempDir
    Path folder;

    @Test
    void missingTensorIsNamed() throws IOException {
        Path file = ModelLoaderTest.MIXTURE.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        ModelLoaderTest.rewriteGguf(
                file,
                tensors -> tensors.stream()
                        .filter(tensor -> !tensor.name().equals("blk.1.ffn_gate_inp.weight"))
                        .toList());
        refuses(
                file,
                "m.gguf: there is no tensor blk.1.ffn_gate_inp.weight; similar: blk.0.ffn_gate_inp.weight, "
                        + "blk.1.ffn_gate_exps.weight, blk.0.ffn_gate_exps.weight");
    }

    @Test
    void wrongShapeIsNamed() throws IOException {
        Path file = ModelLoaderTest.MIXTURE.writeGguf(folder.resolve("m.gguf"), GgufStyle.DEFAULT);
        ModelLoaderTest.rewriteGguf(
                file,
                tensors -> tensors.stream()
                        .map(tensor -> tensor.name().equals("blk.0.attn_k.weight")
                                ? new RawTensor(tensor.name(), tensor.format(), new int[] {64, 32}, tensor.bytes())
                                : tensor)
                        .toList());
        refuses(file, "m.gguf: blk.0.attn_k.weight: expected shape [32, 64] from the config, found [64, 32]");
    }

    @Test
    void tensorWithoutPlaceIsRefused() throws IOException {
        ModelLoaderTest.MIXTURE.writeHuggingFace(folder, 1);
        Path file = folder.resolve("model.safetensors");
        List<RawTensor> tensors =
                new ArrayList<>(RawTensors.readSafetensors(file).byName().values());
        RawTensor norm = tensors.stream()
                .filter(tensor -> tensor.name().equals("model.norm.weight"))
                .findFirst()
                .orElseThrow();
        tensors.add(norm.named("model.layers.0.self_attn.rotary_emb.inv_freq"));
        TinySafetensors.write(file, tensors);
        ModelLoader.load(folder).close();

        tensors.add(norm.named("model.layers.0.self_attn.q_proj.bias"));
        tensors.add(norm.named("model.layers.0.self_attn.k_proj.bias"));
        TinySafetensors.write(file, tensors);
        refuses(
                folder,
                folder.getFileName() + ": model.layers.0.self_attn.q_proj.bias and 1 more tensors have no place in a "
                        + "model of 2 layers and 6 experts without biases; leaving them out would change its answers");
    }

    @Test
    void tensorWithoutPlaceIsRefusedInFormatsThatAreNotReadToo() throws IOException {
        ModelLoaderTest.MIXTURE.writeHuggingFace(folder, 1);
        Path file = folder.resolve("model.safetensors");
        List<RawTensor> tensors =
                new ArrayList<>(RawTensors.readSafetensors(file).byName().values());
        String name = "model.layers.0.self_attn.q_proj.bias";
        tensors.add(ModelLoaderTest.MIXTURE.tensors().get("norm.weight").named(name));
        TinySafetensors.write(file, tensors);
        String entry = '"' + name + "\": {\"dtype\": ";
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(entry + "\"BF16\"");
        Files.writeString(file, text.replace(entry + "\"BF16\"", entry + "\"F64\" "), StandardCharsets.ISO_8859_1);
        refuses(
                folder,
                folder.getFileName() + ": " + name + " have no place in a model of 2 layers and 6 experts without"
                        + " biases; leaving them out would change its answers");
    }

    @Test
    void foreignNamesAreRefused() throws IOException {
        Path file = folder.resolve("m.gguf");
        TinyGguf.write(
                file,
                3,
                Map.of(),
                List.of(ModelLoaderTest.MIXTURE.tensors().get("norm.weight").named("transformer.wte.weight")));
        refuses(
                file,
                "m.gguf: no token embedding; expected a tensor token_embd.weight (GGUF), model.embed_tokens.weight "
                        + "(Hugging Face) or tok_embeddings.weight (Mistral), found transformer.wte.weight, …");
    }

    private static void refuses(Path path, String message) {
        assertThatThrownBy(() -> ModelLoader.load(path).close())
                .isInstanceOf(CheckpointException.class)
                .hasMessage(message);
    }
}
