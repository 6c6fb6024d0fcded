package io.github.mixtral4j.nano;

import io.github.mixtral4j.checkpoint.GgufWriter;
import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.load.GgufDescription;
import io.github.mixtral4j.load.LoadedModel;
import io.github.mixtral4j.load.ModelLoader;
import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.RopeLayout;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/// Makes the file that ships of the model that was trained: GGUF, matrices in Q8_0, norms and routers in float32.
final class Packing {
    /// `MOSTLY_Q8_0` of llama.cpp.
    private static final int FILE_TYPE = 7;

    private final MixtralConfig config;
    private final Map<String, Part> parts = new LinkedHashMap<>();

    private Packing(MixtralConfig config) {
        this.config = config;
    }

    /// A tensor of the file.
    ///
    /// @param sources what it is stacked from
    /// @param heads heads whose rows have to be put into GGUF's order; 0 for none
    private record Part(TensorInfo info, List<Tensor> sources, int heads) {}

    /// Packs a model.
    ///
    /// @param source a mixture with a tokenizer
    /// @param target the GGUF file to write
    /// @throws IllegalArgumentException if the source is no mixture, or has no tokenizer
    /// @throws IOException if a file cannot be read or written
    static void pack(Path source, Path target, String title) throws IOException {
        try (LoadedModel loaded = ModelLoader.load(source)) {
            Vocabulary vocabulary = loaded.tokenizer()
                    .orElseThrow(() -> new IllegalArgumentException(source + " has no tokenizer; it cannot be packed"))
                    .vocabulary();
            Packing packing = new Packing(loaded.config());
            packing.addAll(loaded.weights());
            GgufWriter.write(
                    target,
                    GgufDescription.of(
                            title, FILE_TYPE, loaded.config(), loaded.config().numLayers(), vocabulary),
                    packing.parts.values().stream().map(Part::info).toList(),
                    1,
                    (tensor, sink) -> sink.write(
                            0,
                            packing.bytes(Optional.ofNullable(packing.parts.get(tensor.name()))
                                    .orElseThrow())));
        }
    }

    private void addAll(MixtralWeights weights) {
        matrix("token_embd", 0, List.of(weights.embedding()));
        for (int i = 0; i < weights.layers().size(); i++) {
            LayerWeights layer = weights.layers().get(i);
            if (!(layer.feedForward() instanceof MoeWeights moe)) {
                throw new IllegalArgumentException("layer " + i + " has no experts; only mixtures can be packed");
            }
            String block = "blk." + i + ".";
            floats(block + "attn_norm", layer.attentionNorm());
            matrix(block + "attn_q", config.numHeads(), List.of(layer.wq()));
            matrix(block + "attn_k", config.numKvHeads(), List.of(layer.wk()));
            matrix(block + "attn_v", 0, List.of(layer.wv()));
            matrix(block + "attn_output", 0, List.of(layer.wo()));
            floats(block + "ffn_norm", layer.ffnNorm());
            floats(block + "ffn_gate_inp", moe.router());
            stack(block + "ffn_gate_exps", moe, SwigluWeights::gateProj);
            stack(block + "ffn_up_exps", moe, SwigluWeights::upProj);
            stack(block + "ffn_down_exps", moe, SwigluWeights::downProj);
        }
        floats("output_norm", weights.outputNorm());
        matrix("output", 0, List.of(weights.output()));
    }

    private void stack(String name, MoeWeights moe, Function<SwigluWeights, Tensor> matrix) {
        matrix(name, 0, moe.experts().stream().map(matrix).toList());
    }

    private void matrix(String name, int heads, List<Tensor> sources) {
        Tensor first = sources.getFirst();
        Shape shape = sources.size() == 1
                ? Shape.of(first.rows(), first.cols())
                : Shape.of(sources.size(), first.rows(), first.cols());
        boolean permute = config.rope() == RopeLayout.HALF_SPLIT;
        add(new Part(new TensorInfo(name + ".weight", DType.Q8_0, shape), sources, permute ? heads : 0));
    }

    private void floats(String name, Tensor tensor) {
        add(new Part(new TensorInfo(name + ".weight", DType.F32, tensor.shape()), List.of(tensor), 0));
    }

    private void add(Part part) {
        parts.put(part.info().name(), part);
    }

    private MemorySegment bytes(Part part) {
        BlockCodec codec = BlockCodec.of(part.info().dtype());
        MemorySegment bytes =
                MemorySegment.ofArray(new byte[Math.toIntExact(part.info().bytes())]);
        long at = 0;
        for (Tensor source : part.sources()) {
            int cols = source.cols();
            long rowBytes = codec.dtype().bytes(cols);
            float[] row = new float[cols];
            for (int r = 0; r < source.rows(); r++) {
                int from = part.heads() == 0 ? r : halfSplitRow(r, source.rows() / part.heads());
                BlockCodec.of(source.dtype())
                        .decode(source.data(), source.dtype().bytes(cols) * from, row, 0, cols);
                codec.encode(row, 0, bytes, at, cols);
                at += rowBytes;
            }
        }
        return bytes;
    }

    /// Where the half-split order has the row that the interleaved order has at `row`: of each head, elements `2i` and
    /// `2i + 1` come from `i` and `i + headDim / 2`.
    private static int halfSplitRow(int row, int headDim) {
        int inHead = row % headDim;
        return row - inHead + inHead / 2 + inHead % 2 * (headDim / 2);
    }
}
