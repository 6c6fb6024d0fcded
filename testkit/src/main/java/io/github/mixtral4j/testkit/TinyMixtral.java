package io.github.mixtral4j.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A tiny seeded model that can be written in every container. All of them, and [#weights()], hold the same numbers.
///
/// ```
/// TinyMixtral model = TinyMixtral.create(TinyConfig.mixtral(), 7).withTokenizer(TinyTokenizer.v1(512));
/// model.writeGguf(folder.resolve("tiny.gguf"), TinyMixtral.GgufStyle.DEFAULT);
/// ReferenceTrace expected = new ReferenceMixtral(model.weights()).forward(new int[] {1, 42, 7});
/// ```
/// Matrices are scaled by the square root of their width, so that logits spread over several units and tokens choose
/// different experts.
public final class TinyMixtral {
    /// How a GGUF file is laid out.
    ///
    /// @param version 2 or 3
    /// @param stackedExperts whether the experts of a layer are one tensor (`ffn_gate_exps`) or, as in files from
    ///     before April 2024, one each (`ffn_gate.0`)
    /// @param shards number of files; with more than one they are named `stem-00001-of-0000N.gguf`
    public record GgufStyle(int version, boolean stackedExperts, int shards) {
        /// One file of version 3 with stacked experts.
        public static final GgufStyle DEFAULT = new GgufStyle(3, true, 1);
    }

    private final TinyConfig config;
    private final RawTensors tensors;
    private final @Nullable TinyTokenizer tokenizer;

    private TinyMixtral(TinyConfig config, RawTensors tensors, @Nullable TinyTokenizer tokenizer) {
        this.config = config;
        this.tensors = tensors;
        this.tokenizer = tokenizer;
    }

    /// The same model with a tokenizer in each container: as GGUF metadata, or as `tokenizer.model` in the folders.
    public TinyMixtral withTokenizer(TinyTokenizer other) {
        if (other.pieces().length != config.vocabSize()) {
            throw new IllegalArgumentException(
                    other.pieces().length + " pieces do not fit a vocabulary of " + config.vocabSize());
        }
        return new TinyMixtral(config, tensors, other);
    }

    /// A model whose weights are exact in BF16, F16 and F32, stored as BF16.
    public static TinyMixtral create(TinyConfig config, long seed) {
        return create(config, seed, name -> BlockFormat.BF16);
    }

    /// A model with a format for each matrix, by its name in Mistral's files (`layers.0.attention.wq.weight`).
    /// Quantized matrices are random valid blocks; norms, and a router asked for in a quantized format, are BF16.
    /// A tensor's numbers depend on the seed, its name and its format; the float formats have the same.
    public static TinyMixtral create(TinyConfig config, long seed, Function<String, BlockFormat> format) {
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        for (String name : new TinyNames(config).toGguf().keySet()) {
            int[] dims = dims(config, name);
            if (dims.length > 0) {
                Random random = new Random(seed * 31 + name.hashCode());
                tensors.put(name, dims.length == 1 ? norm(name, dims, random) : matrix(name, dims, random, format));
            }
        }
        return new TinyMixtral(config, new RawTensors(tensors), null);
    }

    /// A model from tensors with Mistral's names.
    public static TinyMixtral of(TinyConfig config, RawTensors tensors) {
        return new TinyMixtral(config, tensors, null);
    }

    /// A model from the tensors of a GGUF file, experts stacked or not.
    public static TinyMixtral ofGguf(TinyConfig config, RawTensors gguf) {
        TinyNames names = new TinyNames(config);
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        names.toGguf().forEach((mistral, name) -> {
            if (gguf.byName().containsKey(name)) {
                tensors.put(mistral, gguf.get(name).named(mistral));
            }
        });
        names.stacks().forEach((stack, experts) -> {
            if (gguf.byName().containsKey(stack)) {
                int rows = gguf.get(stack).dims()[1];
                for (int e = 0; e < experts.size(); e++) {
                    tensors.put(experts.get(e), gguf.get(stack).rows(experts.get(e), e * rows, (e + 1) * rows));
                }
            }
        });
        return new TinyMixtral(config, new RawTensors(tensors), null);
    }

    /// Architecture numbers.
    public TinyConfig config() {
        return config;
    }

    /// The tensors under Mistral's names.
    public RawTensors tensors() {
        return tensors;
    }

    /// The weights for [ReferenceMixtral].
    public ReferenceWeights weights() {
        return ReferenceWeights.of(config, tensors);
    }

    /// Writes a GGUF file, or with several shards its parts beside it.
    ///
    /// @param file of one shard; of several, its name without `.gguf` is the stem of theirs
    /// @return the file to open
    public Path writeGguf(Path file, GgufStyle style) throws IOException {
        Map<String, Object> metadata = config.ggufMetadata();
        metadata.putAll(tokenizerMetadata());
        List<RawTensor> all = ggufTensors(style.stackedExperts());
        if (style.shards() == 1) {
            TinyGguf.write(file, style.version(), metadata, all);
            return file;
        }
        String stem = file.toString().replaceFirst("\\.gguf$", "");
        for (int s = 0; s < style.shards(); s++) {
            Map<String, Object> shard = new LinkedHashMap<>(s == 0 ? metadata : Map.of());
            shard.put("split.no", (short) s);
            shard.put("split.count", (short) style.shards());
            shard.put("split.tensors.count", all.size());
            List<RawTensor> part = all.subList(s * all.size() / style.shards(), (s + 1) * all.size() / style.shards());
            TinyGguf.write(shardFile(stem, s, style.shards()), style.version(), shard, part);
        }
        return shardFile(stem, 0, style.shards());
    }

    /// Writes a Hugging Face folder: `config.json` and safetensors with wq and wk in half-split order.
    public void writeHuggingFace(Path folder, int shards) throws IOException {
        List<RawTensor> renamed = new ArrayList<>();
        Map<String, String> names = new TinyNames(config).toHuggingFace();
        for (RawTensor tensor : tensors.byName().values()) {
            RawTensor ordered = switch (tensor.name().replaceFirst("layers\\.\\d+\\.", "")) {
                case "attention.wq.weight", "attention.wk.weight" -> halfSplit(tensor, config.headDim());
                default -> tensor;
            };
            renamed.add(ordered.named(names.getOrDefault(tensor.name(), tensor.name())));
        }
        writeFolder(folder, "config.json", config.huggingFaceJson());
        TinySafetensors.write(folder, "model", renamed, shards);
    }

    /// Writes a Mistral folder: `params.json` and `consolidated.safetensors` or its shards.
    public void writeMistral(Path folder, int shards) throws IOException {
        writeFolder(folder, "params.json", config.mistralJson());
        TinySafetensors.write(
                folder, "consolidated", List.copyOf(tensors.byName().values()), shards);
    }

    private Map<String, Object> tokenizerMetadata() {
        Map<String, Object> keys = new LinkedHashMap<>();
        if (tokenizer != null) {
            keys.put("tokenizer.ggml.model", "llama");
            keys.put("tokenizer.ggml.tokens", tokenizer.pieces());
            keys.put("tokenizer.ggml.scores", tokenizer.scores());
            keys.put("tokenizer.ggml.token_type", tokenizer.types());
            keys.put("tokenizer.ggml.bos_token_id", 1);
            keys.put("tokenizer.ggml.eos_token_id", 2);
            keys.put("tokenizer.ggml.unknown_token_id", 0);
            keys.put("tokenizer.ggml.add_bos_token", true);
            keys.put("tokenizer.ggml.add_eos_token", false);
        }
        return keys;
    }

    private void writeFolder(Path folder, String configName, String json) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve(configName), json);
        if (tokenizer != null) {
            Files.write(folder.resolve("tokenizer.model"), tokenizer.sentencePieceModel());
        }
    }

    /// The tensors as GGUF names them.
    List<RawTensor> ggufTensors(boolean stackedExperts) {
        TinyNames names = new TinyNames(config);
        Map<String, RawTensor> rest = new LinkedHashMap<>(tensors.byName());
        List<RawTensor> all = new ArrayList<>();
        if (stackedExperts && config.isMixture()) {
            names.stacks().forEach((stack, experts) -> {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                experts.forEach(e -> bytes.writeBytes(tensors.get(e).bytes()));
                rest.keySet().removeAll(experts);
                RawTensor first = tensors.get(experts.getFirst());
                int[] dims = {experts.size(), first.dims()[0], first.dims()[1]};
                all.add(new RawTensor(stack, first.format(), dims, bytes.toByteArray()));
            });
        }
        rest.forEach((name, tensor) -> {
            boolean small = tensor.dims().length == 1 || name.endsWith("feed_forward.gate.weight");
            all.add((small ? tensor.as(BlockFormat.F32) : tensor)
                    .named(names.toGguf().getOrDefault(name, name)));
        });
        return all;
    }

    private static Path shardFile(String stem, int shard, int shards) {
        return Path.of("%s-%05d-of-%05d.gguf".formatted(stem, shard + 1, shards));
    }

    /// Row `2 j + p` of each head goes to `j + p * headDim / 2`.
    private static RawTensor halfSplit(RawTensor tensor, int headDim) {
        byte[] bytes = new byte[tensor.bytes().length];
        int rowBytes = tensor.rowBytes();
        for (int row = 0; row < tensor.dims()[0]; row++) {
            int within = row % headDim;
            int to = row - within + within / 2 + within % 2 * headDim / 2;
            System.arraycopy(tensor.bytes(), row * rowBytes, bytes, to * rowBytes, rowBytes);
        }
        return new RawTensor(tensor.name(), tensor.format(), tensor.dims(), bytes);
    }

    /// Extents of a tensor, none if this model does not have it.
    private static int[] dims(TinyConfig c, String name) {
        String part = name.replaceFirst("^layers\\.\\d+\\.", "").replaceFirst("experts\\.\\d+\\.", "experts.");
        boolean moe = c.isMixture();
        return switch (part) {
            case "tok_embeddings.weight", "output.weight" -> new int[] {c.vocabSize(), c.hiddenSize()};
            case "norm.weight", "attention_norm.weight", "ffn_norm.weight" -> new int[] {c.hiddenSize()};
            case "attention.wq.weight" -> new int[] {c.queryWidth(), c.hiddenSize()};
            case "attention.wk.weight", "attention.wv.weight" -> new int[] {c.kvWidth(), c.hiddenSize()};
            case "attention.wo.weight" -> new int[] {c.hiddenSize(), c.queryWidth()};
            case "feed_forward.gate.weight" -> moe ? new int[] {c.numExperts(), c.hiddenSize()} : new int[0];
            case "feed_forward.experts.w1.weight", "feed_forward.experts.w3.weight" ->
                moe ? new int[] {c.intermediateSize(), c.hiddenSize()} : new int[0];
            case "feed_forward.experts.w2.weight" ->
                moe ? new int[] {c.hiddenSize(), c.intermediateSize()} : new int[0];
            case "feed_forward.w1.weight", "feed_forward.w3.weight" ->
                moe ? new int[0] : new int[] {c.intermediateSize(), c.hiddenSize()};
            case "feed_forward.w2.weight" -> moe ? new int[0] : new int[] {c.hiddenSize(), c.intermediateSize()};
            default -> throw new IllegalStateException(name);
        };
    }

    private static RawTensor norm(String name, int[] dims, Random random) {
        double[] values = new double[dims[0]];
        for (int i = 0; i < values.length; i++) {
            values[i] = (96 + random.nextInt(65)) / 128.0;
        }
        return new RawTensor(name, BlockFormat.BF16, dims, RawTensor.floats(BlockFormat.BF16, values));
    }

    private static RawTensor matrix(String name, int[] dims, Random random, Function<String, BlockFormat> format) {
        BlockFormat chosen = format.apply(name);
        boolean router = name.endsWith("feed_forward.gate.weight");
        BlockFormat stored = router && chosen.elements > 1 ? BlockFormat.BF16 : chosen;
        // Embeddings are of the size of what the blocks add.
        double deviation = name.startsWith("tok_embeddings") ? 0.5 : 1.5 / Math.sqrt(dims[1]);
        byte[] bytes = new RandomBlocks(random, deviation).draw(stored, dims[0] * dims[1]);
        return new RawTensor(name, stored, dims, bytes);
    }
}
