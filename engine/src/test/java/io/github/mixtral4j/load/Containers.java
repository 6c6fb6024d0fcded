package io.github.mixtral4j.load;

import io.github.mixtral4j.model.DenseWeights;
import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.testkit.BlockFormat;
import io.github.mixtral4j.testkit.RawTensor;
import io.github.mixtral4j.testkit.RawTensors;
import io.github.mixtral4j.testkit.TinyMixtral;
import io.github.mixtral4j.testkit.TinySafetensors;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Writes tiny models in further containers, and shows loaded ones in the words of Mistral's files.
final class Containers {
    private Containers() {}

    /// A Hugging Face folder with experts fused as transformers 5 holds them.
    ///
    /// @param block `mlp` or `block_sparse_moe`
    static Path writeFused(TinyMixtral model, Path folder, String block) throws IOException {
        model.writeHuggingFace(folder, 1);
        List<RawTensor> tensors = new ArrayList<>();
        Map<String, RawTensor> separate = new LinkedHashMap<>(
                RawTensors.readSafetensors(folder.resolve("model.safetensors")).byName());
        for (int i = 0; i < model.config().numLayers(); i++) {
            String layer = "model.layers." + i + ".";
            List<RawTensor> gateUp = new ArrayList<>();
            List<RawTensor> down = new ArrayList<>();
            for (int e = 0; e < model.config().numExperts(); e++) {
                String expert = layer + "block_sparse_moe.experts." + e + ".";
                gateUp.add(remove(separate, expert + "w1.weight"));
                gateUp.add(remove(separate, expert + "w3.weight"));
                down.add(remove(separate, expert + "w2.weight"));
            }
            String experts = layer + block + ".experts.";
            tensors.add(stack(experts + "gate_up_proj", gateUp, 2));
            tensors.add(stack(experts + "down_proj", down, 1));
            tensors.add(remove(separate, layer + "block_sparse_moe.gate.weight").named(layer + block + ".gate.weight"));
        }
        tensors.addAll(separate.values());
        Files.delete(folder.resolve("model.safetensors"));
        TinySafetensors.write(folder.resolve("model.safetensors"), tensors);
        return folder;
    }

    private static RawTensor remove(Map<String, RawTensor> tensors, String name) {
        RawTensor tensor = tensors.remove(name);
        if (tensor == null) {
            throw new IllegalStateException(name);
        }
        return tensor;
    }

    /// Matrices one after another, `each` of them for an expert.
    private static RawTensor stack(String name, List<RawTensor> matrices, int each) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        matrices.forEach(matrix -> bytes.writeBytes(matrix.bytes()));
        RawTensor first = matrices.getFirst();
        int[] dims = {matrices.size() / each, each * first.dims()[0], first.dims()[1]};
        BlockFormat format = first.format();
        return new RawTensor(name, format, dims, bytes.toByteArray());
    }

    /// All numbers of a loaded model by the name they have in Mistral's files, wq and wk in Mistral's order.
    static Map<String, float[]> numbers(LoadedModel model) {
        Map<String, float[]> numbers = new LinkedHashMap<>();
        numbers.put("tok_embeddings.weight", decode(model.weights().embedding()));
        numbers.put("norm.weight", decode(model.weights().outputNorm()));
        numbers.put("output.weight", decode(model.weights().output()));
        for (int i = 0; i < model.weights().layers().size(); i++) {
            LayerWeights w = model.weights().layers().get(i);
            String layer = "layers." + i + ".";
            numbers.put(layer + "attention_norm.weight", decode(w.attentionNorm()));
            numbers.put(layer + "attention.wq.weight", interleaved(w.wq(), model.config()));
            numbers.put(layer + "attention.wk.weight", interleaved(w.wk(), model.config()));
            numbers.put(layer + "attention.wv.weight", decode(w.wv()));
            numbers.put(layer + "attention.wo.weight", decode(w.wo()));
            numbers.put(layer + "ffn_norm.weight", decode(w.ffnNorm()));
            String feedForward = layer + "feed_forward.";
            switch (w.feedForward()) {
                case DenseWeights(SwigluWeights swiglu) -> put(numbers, feedForward, swiglu);
                case MoeWeights(Tensor router, List<SwigluWeights> experts) -> {
                    numbers.put(feedForward + "gate.weight", decode(router));
                    for (int e = 0; e < experts.size(); e++) {
                        put(numbers, feedForward + "experts." + e + ".", experts.get(e));
                    }
                }
            }
        }
        return numbers;
    }

    private static void put(Map<String, float[]> numbers, String prefix, SwigluWeights swiglu) {
        numbers.put(prefix + "w1.weight", decode(swiglu.gateProj()));
        numbers.put(prefix + "w2.weight", decode(swiglu.downProj()));
        numbers.put(prefix + "w3.weight", decode(swiglu.upProj()));
    }

    static float[] decode(Tensor tensor) {
        float[] values = new float[Math.multiplyExact(tensor.rows(), tensor.cols())];
        BlockCodec.of(tensor.dtype()).decode(tensor.data(), 0, values, 0, values.length);
        return values;
    }

    /// Rows in Mistral's order: with half-split pairs, row `2 j + p` of a head stands at `j + p * headDim / 2`.
    private static float[] interleaved(Tensor tensor, MixtralConfig config) {
        float[] values = decode(tensor);
        if (config.rope() == RopeLayout.INTERLEAVED) {
            return values;
        }
        float[] ordered = new float[values.length];
        int cols = tensor.cols();
        int headDim = config.headDim();
        for (int row = 0; row < tensor.rows(); row++) {
            int within = row % headDim;
            int from = row - within + within / 2 + within % 2 * headDim / 2;
            System.arraycopy(values, from * cols, ordered, row * cols, cols);
        }
        return ordered;
    }
}
