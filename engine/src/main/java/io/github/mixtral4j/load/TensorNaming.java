package io.github.mixtral4j.load;

import static java.util.Map.entry;

import io.github.mixtral4j.checkpoint.Checkpoint;
import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.RopeLayout;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

/// What the tensors of a model are called, and in how many tensors its experts come. To read a further kind of
/// checkpoint, add a constant.
///
/// In a name `{i}` is the layer, `{e}` the expert, and `{moe}` whichever of `block_sparse_moe` and `mlp` the file uses.
/// Source: facts of the containers as in convert_hf_to_gguf.py, modeling_mixtral.py and mistral-inference.
public enum TensorNaming {
    /// GGUF since April 2024: the experts of a layer are a stack.
    GGUF(
            RopeLayout.INTERLEAVED,
            ExpertTensors.STACKED,
            Names.GGUF,
            "blk.{i}.ffn_gate_exps.weight",
            "blk.{i}.ffn_up_exps.weight",
            "blk.{i}.ffn_down_exps.weight"),
    /// GGUF before April 2024, which llama.cpp no longer reads.
    GGUF_SPLIT_EXPERTS(
            RopeLayout.INTERLEAVED,
            ExpertTensors.SEPARATE,
            Names.GGUF,
            "blk.{i}.ffn_gate.{e}.weight",
            "blk.{i}.ffn_up.{e}.weight",
            "blk.{i}.ffn_down.{e}.weight"),
    /// Hugging Face's files as published.
    HUGGING_FACE(
            RopeLayout.HALF_SPLIT,
            ExpertTensors.SEPARATE,
            Names.HUGGING_FACE,
            "model.layers.{i}.{moe}.experts.{e}.w1.weight",
            "model.layers.{i}.{moe}.experts.{e}.w3.weight",
            "model.layers.{i}.{moe}.experts.{e}.w2.weight"),
    /// Hugging Face's files as transformers 5 holds them in memory and may save them.
    HUGGING_FACE_FUSED(
            RopeLayout.HALF_SPLIT,
            ExpertTensors.GATE_UP_STACKED,
            Names.HUGGING_FACE,
            "model.layers.{i}.{moe}.experts.gate_up_proj",
            "model.layers.{i}.{moe}.experts.gate_up_proj",
            "model.layers.{i}.{moe}.experts.down_proj"),
    /// Mistral's own files.
    MISTRAL(
            RopeLayout.INTERLEAVED,
            ExpertTensors.SEPARATE,
            Names.MISTRAL,
            "layers.{i}.feed_forward.experts.{e}.w1.weight",
            "layers.{i}.feed_forward.experts.{e}.w3.weight",
            "layers.{i}.feed_forward.experts.{e}.w2.weight");

    /// How the experts of a layer are stored.
    enum ExpertTensors {
        /// Each matrix of each expert is a tensor `[out, in]`.
        SEPARATE,
        /// Each of gate, up and down is a tensor `[numExperts, out, in]`.
        STACKED,
        /// Gate and up are one tensor `[numExperts, 2 * intermediateSize, hiddenSize]`, gate first.
        GATE_UP_STACKED
    }

    /// A tensor that is not of an expert; the last three are the feed-forward of a dense model.
    enum Part {
        EMBEDDING,
        OUTPUT_NORM,
        OUTPUT,
        ATTENTION_NORM,
        WQ,
        WK,
        WV,
        WO,
        FFN_NORM,
        ROUTER,
        GATE_PROJ,
        UP_PROJ,
        DOWN_PROJ
    }

    /// Names that say nothing a model needs: frequencies that follow from `ropeTheta`, saved by old versions.
    private static final Pattern IGNORED =
            Pattern.compile("model\\.layers\\.\\d+\\.self_attn\\.rotary_emb\\.inv_freq|blk\\.\\d+\\.attn_rot_embd");

    private static final Pattern SPLIT_EXPERT = Pattern.compile("blk\\.\\d+\\.ffn_gate\\.\\d+\\.weight");

    private final RopeLayout rope;
    private final ExpertTensors experts;
    private final Map<Part, String> names;
    private final String expertGate;
    private final String expertUp;
    private final String expertDown;

    TensorNaming(
            RopeLayout rope,
            ExpertTensors experts,
            Map<Part, String> names,
            String expertGate,
            String expertUp,
            String expertDown) {
        this.rope = rope;
        this.experts = experts;
        this.names = names;
        this.expertGate = expertGate;
        this.expertUp = expertUp;
        this.expertDown = expertDown;
    }

    /// The naming a checkpoint uses, told by its tensors.
    ///
    /// @throws CheckpointException if it is none of these
    public static TensorNaming of(Checkpoint checkpoint) {
        Set<String> names = checkpoint.tensors().keySet();
        if (names.contains(GGUF.template(Part.EMBEDDING))) {
            return names.stream().anyMatch(SPLIT_EXPERT.asMatchPredicate()) ? GGUF_SPLIT_EXPERTS : GGUF;
        }
        if (names.contains(HUGGING_FACE.template(Part.EMBEDDING))) {
            return names.stream().anyMatch(name -> name.endsWith(".experts.gate_up_proj"))
                    ? HUGGING_FACE_FUSED
                    : HUGGING_FACE;
        }
        if (names.contains(MISTRAL.template(Part.EMBEDDING))) {
            return MISTRAL;
        }
        throw new CheckpointException(checkpoint.name() + ": no token embedding; expected a tensor "
                + GGUF.template(Part.EMBEDDING) + " (GGUF), " + HUGGING_FACE.template(Part.EMBEDDING)
                + " (Hugging Face) or " + MISTRAL.template(Part.EMBEDDING) + " (Mistral), found "
                + (names.isEmpty()
                        ? "no tensors"
                        : String.join(", ", names.stream().limit(3).toList()) + ", …"));
    }

    /// The order of rows in wq and wk that goes with these names.
    public RopeLayout rope() {
        return rope;
    }

    ExpertTensors experts() {
        return experts;
    }

    String template(Part part) {
        return Objects.requireNonNull(names.get(part));
    }

    String expertGate() {
        return expertGate;
    }

    String expertUp() {
        return expertUp;
    }

    String expertDown() {
        return expertDown;
    }

    /// The tensor that holds a matrix, with `{moe}` if the name has it; of a stack, that of all experts.
    String template(AdapterTarget target, boolean mixture) {
        String template = switch (target.kind()) {
            case WQ -> template(Part.WQ);
            case WK -> template(Part.WK);
            case WV -> template(Part.WV);
            case WO -> template(Part.WO);
            case ROUTER -> template(Part.ROUTER);
            case GATE_PROJ -> mixture ? expertGate : template(Part.GATE_PROJ);
            case UP_PROJ -> mixture ? expertUp : template(Part.UP_PROJ);
            case DOWN_PROJ -> mixture ? expertDown : template(Part.DOWN_PROJ);
        };
        return template.replace("{i}", Integer.toString(target.layer()))
                .replace("{e}", Integer.toString(target.expert()));
    }

    /// Whether a tensor may be left aside.
    static boolean isIgnored(String name) {
        return IGNORED.matcher(name).matches();
    }

    /// Tables by container; in a class of their own because constants cannot refer to fields of their enum.
    private static final class Names {
        static final Map<Part, String> GGUF = Map.ofEntries(
                entry(Part.EMBEDDING, "token_embd.weight"),
                entry(Part.OUTPUT_NORM, "output_norm.weight"),
                entry(Part.OUTPUT, "output.weight"),
                entry(Part.ATTENTION_NORM, "blk.{i}.attn_norm.weight"),
                entry(Part.WQ, "blk.{i}.attn_q.weight"),
                entry(Part.WK, "blk.{i}.attn_k.weight"),
                entry(Part.WV, "blk.{i}.attn_v.weight"),
                entry(Part.WO, "blk.{i}.attn_output.weight"),
                entry(Part.FFN_NORM, "blk.{i}.ffn_norm.weight"),
                entry(Part.ROUTER, "blk.{i}.ffn_gate_inp.weight"),
                entry(Part.GATE_PROJ, "blk.{i}.ffn_gate.weight"),
                entry(Part.UP_PROJ, "blk.{i}.ffn_up.weight"),
                entry(Part.DOWN_PROJ, "blk.{i}.ffn_down.weight"));

        static final Map<Part, String> HUGGING_FACE = Map.ofEntries(
                entry(Part.EMBEDDING, "model.embed_tokens.weight"),
                entry(Part.OUTPUT_NORM, "model.norm.weight"),
                entry(Part.OUTPUT, "lm_head.weight"),
                entry(Part.ATTENTION_NORM, "model.layers.{i}.input_layernorm.weight"),
                entry(Part.WQ, "model.layers.{i}.self_attn.q_proj.weight"),
                entry(Part.WK, "model.layers.{i}.self_attn.k_proj.weight"),
                entry(Part.WV, "model.layers.{i}.self_attn.v_proj.weight"),
                entry(Part.WO, "model.layers.{i}.self_attn.o_proj.weight"),
                entry(Part.FFN_NORM, "model.layers.{i}.post_attention_layernorm.weight"),
                entry(Part.ROUTER, "model.layers.{i}.{moe}.gate.weight"),
                entry(Part.GATE_PROJ, "model.layers.{i}.mlp.gate_proj.weight"),
                entry(Part.UP_PROJ, "model.layers.{i}.mlp.up_proj.weight"),
                entry(Part.DOWN_PROJ, "model.layers.{i}.mlp.down_proj.weight"));

        static final Map<Part, String> MISTRAL = Map.ofEntries(
                entry(Part.EMBEDDING, "tok_embeddings.weight"),
                entry(Part.OUTPUT_NORM, "norm.weight"),
                entry(Part.OUTPUT, "output.weight"),
                entry(Part.ATTENTION_NORM, "layers.{i}.attention_norm.weight"),
                entry(Part.WQ, "layers.{i}.attention.wq.weight"),
                entry(Part.WK, "layers.{i}.attention.wk.weight"),
                entry(Part.WV, "layers.{i}.attention.wv.weight"),
                entry(Part.WO, "layers.{i}.attention.wo.weight"),
                entry(Part.FFN_NORM, "layers.{i}.ffn_norm.weight"),
                entry(Part.ROUTER, "layers.{i}.feed_forward.gate.weight"),
                entry(Part.GATE_PROJ, "layers.{i}.feed_forward.w1.weight"),
                entry(Part.UP_PROJ, "layers.{i}.feed_forward.w3.weight"),
                entry(Part.DOWN_PROJ, "layers.{i}.feed_forward.w2.weight"));
    }
}
