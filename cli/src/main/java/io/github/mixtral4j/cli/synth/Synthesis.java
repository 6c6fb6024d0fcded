package io.github.mixtral4j.cli.synth;

import io.github.mixtral4j.checkpoint.GgufValue;
import io.github.mixtral4j.checkpoint.GgufWriter;
import io.github.mixtral4j.checkpoint.TensorInfo;
import io.github.mixtral4j.load.ModelWriter;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Shape;
import io.github.mixtral4j.tokenizer.Vocabulary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;

/// A synthetic checkpoint: the geometry, formats and vocabulary of a real model, and weights drawn such that its
/// numbers stay lively. Matrices are N(0, 1 / inputs), so that they keep the size of what they multiply; embeddings are
/// N(0, 1), so that tokens differ and all experts are used; norms are 1.
///
/// The same arguments give the same file, byte for byte, with any number of threads.
///
/// @param preset the geometry
/// @param layers layers to write, at most the preset's
/// @param mix format of each matrix
/// @param vocabulary the tokenizer to put into the file; decides the vocabulary size
/// @param seed of the weights
public record Synthesis(Preset preset, int layers, QuantMix mix, Vocabulary vocabulary, long seed) {
    /// Metadata key: layers of the model of which the file is a slice.
    public static final String FULL_LAYERS = "mixtral4j.full_layers";

    private static final long CHUNK_BYTES = 4L << 20;

    /// @throws IllegalArgumentException if `layers` is out of range
    public Synthesis {
        int most = preset.config().numLayers();
        if (layers < 1 || layers > most) {
            throw new IllegalArgumentException("--layers must be 1 to " + most + ", got " + layers);
        }
    }

    /// A tensor of the file and what to fill it with.
    ///
    /// @param deviation standard deviation of its weights; 0 for a norm, whose weights are 1
    private record Part(TensorInfo info, double deviation) {}

    /// What the header of the file describes, in order.
    public List<TensorInfo> tensors() {
        return parts().stream().map(Part::info).toList();
    }

    /// Writes the file; nothing is left of it after a failure.
    ///
    /// @param threads tensors to write at once
    /// @param written told the number of bytes after every chunk, from several threads
    /// @throws IOException if the disk is full or the folder cannot be written
    public void write(Path file, int threads, LongConsumer written) throws IOException {
        Map<String, Part> parts = new LinkedHashMap<>();
        List<String> order = new ArrayList<>();
        for (Part part : parts()) {
            parts.put(part.info.name(), part);
            order.add(part.info.name());
        }
        try (Arena arena = Arena.ofShared()) {
            Map<Stock, RandomBlocks> stocks = new ConcurrentHashMap<>();
            GgufWriter.write(file, metadata(), tensors(), threads, (tensor, sink) -> {
                Part part = Optional.ofNullable(parts.get(tensor.name())).orElseThrow();
                SplittableRandom random =
                        new SplittableRandom(seed + 0x9E3779B97F4A7C15L * order.indexOf(tensor.name()));
                if (part.deviation == 0) {
                    sink.write(0, ones(tensor));
                    return;
                }
                RandomBlocks.Dealer weights = stocks.computeIfAbsent(
                                new Stock(tensor.dtype(), part.deviation),
                                stock -> new RandomBlocks(arena, stock.dtype, stock.deviation, seed))
                        .dealer(random);
                long unitBytes = tensor.dtype().bytes(RandomBlocks.UNIT);
                long chunkBytes = CHUNK_BYTES / unitBytes * unitBytes;
                try (Arena own = Arena.ofConfined()) {
                    MemorySegment chunk = own.allocate(Math.min(chunkBytes, tensor.bytes()), 64);
                    for (long at = 0; at < tensor.bytes(); at += chunk.byteSize()) {
                        MemorySegment next = chunk.asSlice(0, Math.min(chunk.byteSize(), tensor.bytes() - at));
                        weights.fill(next);
                        sink.write(at, next);
                        written.accept(next.byteSize());
                    }
                }
            });
        }
    }

    /// The vocabulary of a checkpoint that gets no tokenizer.
    public static Vocabulary placeholder(Preset preset) {
        return PlaceholderVocabulary.of(
                preset.config().vocabSize(), !preset.name().equals("8x7b"));
    }

    private List<Part> parts() {
        MixtralConfig c = preset.config();
        int hidden = c.hiddenSize();
        int inner = c.intermediateSize();
        List<Part> parts = new ArrayList<>();
        parts.add(matrix("token_embd", Role.EMBEDDING, 0, 1, vocabulary.size(), hidden));
        for (int layer = 0; layer < layers; layer++) {
            String block = "blk." + layer + ".";
            parts.add(norm(block + "attn_norm", hidden));
            parts.add(matrix(block + "attn_q", Role.ATTENTION_Q, layer, hidden, c.queryWidth(), hidden));
            parts.add(matrix(block + "attn_k", Role.ATTENTION_K, layer, hidden, c.kvWidth(), hidden));
            parts.add(matrix(block + "attn_v", Role.ATTENTION_V, layer, hidden, c.kvWidth(), hidden));
            parts.add(matrix(
                    block + "attn_output", Role.ATTENTION_OUTPUT, layer, c.queryWidth(), hidden, c.queryWidth()));
            parts.add(norm(block + "ffn_norm", hidden));
            parts.add(router(block + "ffn_gate_inp", c.numExperts(), hidden));
            parts.add(matrix(block + "ffn_gate_exps", Role.GATE_PROJ, layer, hidden, c.numExperts(), inner, hidden));
            parts.add(matrix(block + "ffn_up_exps", Role.UP_PROJ, layer, hidden, c.numExperts(), inner, hidden));
            parts.add(matrix(block + "ffn_down_exps", Role.DOWN_PROJ, layer, inner, c.numExperts(), hidden, inner));
        }
        parts.add(norm("output_norm", hidden));
        parts.add(matrix("output", Role.OUTPUT, 0, hidden, vocabulary.size(), hidden));
        return parts;
    }

    /// @param inputs numbers that each output sums over
    private Part matrix(String name, Role role, int layer, int inputs, int... dims) {
        return part(name, mix.dtype(role, layer, layers), 1 / Math.sqrt(inputs), dims);
    }

    private static Part router(String name, int experts, int hidden) {
        return part(name, DType.F32, 1 / Math.sqrt(hidden), experts, hidden);
    }

    private static Part norm(String name, int hidden) {
        return part(name, DType.F32, 0, hidden);
    }

    private static Part part(String name, DType dtype, double deviation, int... dims) {
        return new Part(new TensorInfo(name + ".weight", dtype, Shape.of(dims)), deviation);
    }

    private Map<String, GgufValue> metadata() {
        MixtralConfig full = preset.config();
        Map<String, GgufValue> values =
                ModelWriter.metadata(preset.title() + " geometry, random weights", full, vocabulary);
        values.put("general.file_type", GgufValue.uint32(mix.fileType()));
        values.put("llama.block_count", GgufValue.uint32(layers));
        values.put(FULL_LAYERS, GgufValue.uint32(full.numLayers()));
        values.put("llama.vocab_size", GgufValue.uint32(vocabulary.size()));
        return values;
    }

    private record Stock(DType dtype, double deviation) {}

    private static MemorySegment ones(TensorInfo tensor) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.toIntExact(tensor.bytes())]);
        ValueLayout.OfFloat layout = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < tensor.shape().cols(); i++) {
            bytes.setAtIndex(layout, i, 1f);
        }
        return bytes;
    }
}
