package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.GgufValue;
import io.github.mixtral4j.checkpoint.GgufWriter;
import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.checkpoint.TensorSink;
import io.github.mixtral4j.load.TensorNaming.Part;
import io.github.mixtral4j.model.DenseWeights;
import io.github.mixtral4j.model.LayerWeights;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.model.MoeWeights;
import io.github.mixtral4j.model.SwigluWeights;
import io.github.mixtral4j.quant.BlockCodec;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tensor.Tensor;
import io.github.mixtral4j.tokenizer.PieceType;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Writes models as GGUF files that [ModelLoader] and llama.cpp read.
public final class ModelWriter {
    private static final long CHUNK_BYTES = 4L << 20;

    /// What converters give to padding: text never merges to it.
    private static final float PADDING_SCORE = -1e9f;

    private ModelWriter() {}

    /// A tensor of the file and the matrices it is made of: several for a stack of experts.
    ///
    /// @param rotated whether these are wq or wk, whose rows have another order in the file
    private record Entry(TensorInfo info, List<Tensor> matrices, boolean rotated) {}

    /// Writes a file, replacing one of this name when complete.
    ///
    /// @param title name of the model, for people
    /// @param matrices format of all matrices; norms and routers are F32
    /// @param threads tensors to write at once
    /// @throws IllegalArgumentException if a matrix cannot be stored in that format
    /// @throws IOException if the disk is full or the folder cannot be written
    public static void writeGguf(
            Path file,
            String title,
            MixtralConfig config,
            MixtralWeights weights,
            Vocabulary vocabulary,
            DType matrices,
            int threads)
            throws IOException {
        Map<String, Entry> entries = entries(weights, matrices);
        List<TensorInfo> infos = entries.values().stream().map(Entry::info).toList();
        Map<String, GgufValue> metadata = metadata(title, config, vocabulary);
        fileType(matrices).ifPresent(type -> metadata.put("general.file_type", GgufValue.uint32(type)));
        GgufWriter.write(file, metadata, infos, threads, (info, sink) -> {
            Entry entry = Optional.ofNullable(entries.get(info.name())).orElseThrow();
            long at = 0;
            for (Tensor matrix : entry.matrices()) {
                // Here and not sooner, so that no more than `threads` copies are there at a time.
                try (Arena copy = Arena.ofConfined()) {
                    Tensor ordered = entry.rotated() ? inOrder(matrix, config, copy) : matrix;
                    at = write(ordered, info.dtype(), at, sink);
                }
            }
        });
    }

    private static Tensor inOrder(Tensor matrix, MixtralConfig config, Arena memory) {
        return RopeRows.reorder(matrix, config.headDim(), config.rope(), TensorNaming.GGUF.rope(), memory);
    }

    /// What a file says about a model and its tokenizer. The tokens are as many as the rows of the
    /// embedding, as llama.cpp expects: where the vocabulary has fewer, padding follows that no text reaches.
    public static Map<String, GgufValue> metadata(String title, MixtralConfig config, Vocabulary vocabulary) {
        Map<String, GgufValue> values = new LinkedHashMap<>();
        values.put("general.architecture", GgufValue.text("llama"));
        values.put("general.name", GgufValue.text(title));
        values.put("general.quantization_version", GgufValue.uint32(2));
        values.put("llama.block_count", GgufValue.uint32(config.numLayers()));
        values.put("llama.context_length", GgufValue.uint32(config.contextLength()));
        values.put("llama.embedding_length", GgufValue.uint32(config.hiddenSize()));
        values.put("llama.feed_forward_length", GgufValue.uint32(config.intermediateSize()));
        values.put("llama.attention.head_count", GgufValue.uint32(config.numHeads()));
        values.put("llama.attention.head_count_kv", GgufValue.uint32(config.numKvHeads()));
        if (config.numHeads() * config.headDim() != config.hiddenSize()) {
            values.put("llama.attention.key_length", GgufValue.uint32(config.headDim()));
            values.put("llama.attention.value_length", GgufValue.uint32(config.headDim()));
        }
        values.put("llama.attention.layer_norm_rms_epsilon", GgufValue.float32(config.rmsNormEps()));
        values.put("llama.rope.dimension_count", GgufValue.uint32(config.headDim()));
        values.put("llama.rope.freq_base", GgufValue.float32(config.ropeTheta()));
        if (config.isMixture()) {
            values.put("llama.expert_count", GgufValue.uint32(config.numExperts()));
            values.put("llama.expert_used_count", GgufValue.uint32(config.numExpertsPerToken()));
        }
        values.put("llama.vocab_size", GgufValue.uint32(config.vocabSize()));
        tokenizer(values, vocabulary, config.vocabSize());
        return values;
    }

    private static void tokenizer(Map<String, GgufValue> values, Vocabulary vocabulary, int vocabSize) {
        int pieces = vocabulary.size();
        List<Integer> ids =
                IntStream.range(0, Math.max(pieces, vocabSize)).boxed().toList();
        values.put("tokenizer.ggml.model", GgufValue.text("llama"));
        values.put(
                "tokenizer.ggml.tokens",
                GgufValue.texts(ids.stream()
                        .map(id -> id < pieces ? vocabulary.piece(id) : "[PAD" + id + "]")
                        .toList()));
        values.put(
                "tokenizer.ggml.scores",
                GgufValue.float32s(ids.stream()
                        .map(id -> id < pieces ? vocabulary.score(id) : PADDING_SCORE)
                        .toList()));
        values.put(
                "tokenizer.ggml.token_type",
                GgufValue.int32s(ids.stream()
                        .map(id -> (id < pieces ? vocabulary.type(id) : PieceType.UNUSED).code())
                        .toList()));
        values.put("tokenizer.ggml.bos_token_id", GgufValue.uint32(vocabulary.bosId()));
        values.put("tokenizer.ggml.eos_token_id", GgufValue.uint32(vocabulary.eosId()));
        values.put("tokenizer.ggml.unknown_token_id", GgufValue.uint32(vocabulary.unkId()));
        values.put("tokenizer.ggml.add_bos_token", GgufValue.bool(true));
        values.put("tokenizer.ggml.add_eos_token", GgufValue.bool(false));
        values.put("tokenizer.ggml.add_space_prefix", GgufValue.bool(vocabulary.addDummyPrefix()));
    }

    /// The number llama.cpp gives to files of this format (`llama_ftype`), of those that are made here.
    private static Optional<Integer> fileType(DType matrices) {
        return switch (matrices) {
            case F32 -> Optional.of(0);
            case F16 -> Optional.of(1);
            case Q4_0 -> Optional.of(2);
            case Q4_1 -> Optional.of(3);
            case Q8_0 -> Optional.of(7);
            case Q5_0 -> Optional.of(8);
            case Q5_1 -> Optional.of(9);
            case Q6_K -> Optional.of(18);
            case BF16 -> Optional.of(32);
            // Files of these are mixes of formats, which have other names.
            case Q2_K, Q3_K, Q4_K, Q5_K -> Optional.empty();
        };
    }

    private static Map<String, Entry> entries(MixtralWeights weights, DType matrices) {
        TensorNaming naming = TensorNaming.GGUF;
        Map<String, Entry> entries = new LinkedHashMap<>();
        matrix(entries, naming.template(Part.EMBEDDING), matrices, weights.embedding());
        for (int i = 0; i < weights.layers().size(); i++) {
            String layer = Integer.toString(i);
            LayerWeights block = weights.layers().get(i);
            Function<String, String> name = template -> template.replace("{i}", layer);
            vector(entries, name.apply(naming.template(Part.ATTENTION_NORM)), block.attentionNorm());
            rotated(entries, name.apply(naming.template(Part.WQ)), matrices, block.wq());
            rotated(entries, name.apply(naming.template(Part.WK)), matrices, block.wk());
            matrix(entries, name.apply(naming.template(Part.WV)), matrices, block.wv());
            matrix(entries, name.apply(naming.template(Part.WO)), matrices, block.wo());
            vector(entries, name.apply(naming.template(Part.FFN_NORM)), block.ffnNorm());
            switch (block.feedForward()) {
                case MoeWeights moe -> {
                    matrix(entries, name.apply(naming.template(Part.ROUTER)), DType.F32, moe.router());
                    List<SwigluWeights> experts = moe.experts();
                    stack(entries, name.apply(naming.expertGate()), matrices, experts, SwigluWeights::gateProj);
                    stack(entries, name.apply(naming.expertUp()), matrices, experts, SwigluWeights::upProj);
                    stack(entries, name.apply(naming.expertDown()), matrices, experts, SwigluWeights::downProj);
                }
                case DenseWeights(SwigluWeights swiglu) -> {
                    matrix(entries, name.apply(naming.template(Part.GATE_PROJ)), matrices, swiglu.gateProj());
                    matrix(entries, name.apply(naming.template(Part.UP_PROJ)), matrices, swiglu.upProj());
                    matrix(entries, name.apply(naming.template(Part.DOWN_PROJ)), matrices, swiglu.downProj());
                }
            }
        }
        vector(entries, naming.template(Part.OUTPUT_NORM), weights.outputNorm());
        matrix(entries, naming.template(Part.OUTPUT), matrices, weights.output());
        return entries;
    }

    private static void vector(Map<String, Entry> entries, String name, Tensor vector) {
        entries.put(name, new Entry(new TensorInfo(name, DType.F32, Shape.of(vector.cols())), List.of(vector), false));
    }

    private static void matrix(Map<String, Entry> entries, String name, DType dtype, Tensor matrix) {
        entries.put(name, new Entry(info(name, dtype, matrix), List.of(matrix), false));
    }

    private static void rotated(Map<String, Entry> entries, String name, DType dtype, Tensor matrix) {
        entries.put(name, new Entry(info(name, dtype, matrix), List.of(matrix), true));
    }

    private static TensorInfo info(String name, DType dtype, Tensor matrix) {
        return new TensorInfo(name, dtype, Shape.matrix(matrix.rows(), matrix.cols()));
    }

    private static void stack(
            Map<String, Entry> entries,
            String name,
            DType dtype,
            List<SwigluWeights> experts,
            Function<SwigluWeights, Tensor> which) {
        List<Tensor> matrices = experts.stream().map(which).toList();
        Shape shape = Shape.of(
                matrices.size(), matrices.getFirst().rows(), matrices.getFirst().cols());
        entries.put(name, new Entry(new TensorInfo(name, dtype, shape), matrices, false));
    }

    /// @return where the next matrix begins
    private static long write(Tensor matrix, DType dtype, long at, TensorSink sink) throws IOException {
        BlockCodec from = BlockCodec.of(matrix.dtype());
        BlockCodec to = BlockCodec.of(dtype);
        long rowBytes = dtype.bytes(matrix.cols());
        int step = (int) Math.clamp(CHUNK_BYTES / rowBytes, 1, matrix.rows());
        float[] values = new float[matrix.cols()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(step * rowBytes, 64);
            for (int row = 0; row < matrix.rows(); row += step) {
                int count = Math.min(step, matrix.rows() - row);
                for (int i = 0; i < count; i++) {
                    from.decode(matrix.data(), (row + i) * matrix.rowBytes(), values, 0, values.length);
                    to.encode(values, 0, chunk, i * rowBytes, values.length);
                }
                sink.write(at, chunk.asSlice(0, count * rowBytes));
                at += count * rowBytes;
            }
        }
        return at;
    }
}
