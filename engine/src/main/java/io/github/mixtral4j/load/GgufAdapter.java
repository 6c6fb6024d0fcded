package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.CheckpointException;
import io.github.mixtral4j.checkpoint.GgufCheckpoint;
import io.github.mixtral4j.checkpoint.GgufMetadata;
import io.github.mixtral4j.checkpoint.Names;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads an adapter in llama.cpp's form: for a tensor `T` of the model, `T.lora_a [rank, in]` and
/// `T.lora_b [out, rank]`; for a stack of experts, stacks of these. The scale is `adapter.lora.alpha /
/// rank`, or 1 where alpha is 0 or absent.
///
/// Source: `llama_adapter_lora_init_impl` and `llama_adapter_lora_weight::get_scale` of llama.cpp.
final class GgufAdapter {
    static final String TYPE = "general.type";
    static final String ALPHA = "adapter.lora.alpha";
    static final String A = ".lora_a";
    static final String B = ".lora_b";

    private static final String MODULES = "attn_q, attn_k, attn_v, attn_output, ffn_gate_inp, ffn_gate, ffn_up and "
            + "ffn_down (of a mixture ffn_gate_exps, ffn_up_exps and ffn_down_exps)";

    private GgufAdapter() {}

    /// The tensors of a model by name, each with the matrices in it: one, or one per expert.
    static Map<String, List<AdapterTarget>> targets(MixtralConfig base) {
        Map<String, List<AdapterTarget>> targets = new LinkedHashMap<>();
        for (AdapterTarget target : AdapterTarget.all(base)) {
            targets.computeIfAbsent(TensorNaming.GGUF.template(target, base.isMixture()), name -> new ArrayList<>())
                    .add(target);
        }
        return targets;
    }

    static Adapter read(GgufCheckpoint checkpoint, MixtralConfig base) {
        double alpha = alpha(checkpoint);
        AdapterParts parts = new AdapterParts(checkpoint.name(), base, TensorNaming.GGUF.rope());
        Map<String, List<AdapterTarget>> targets = targets(base);
        for (String name : checkpoint.tensors().keySet()) {
            boolean isA = name.endsWith(A);
            String stem = isA || name.endsWith(B) ? name.substring(0, name.length() - A.length()) : name;
            List<AdapterTarget> matrices = targets.get(stem);
            if (matrices == null || stem.equals(name)) {
                throw parts.foreign(name, MODULES);
            }
            Tensor a = half(checkpoint, parts, stem, A, B);
            Tensor b = half(checkpoint, parts, stem, B, A);
            if (isA) {
                add(parts, matrices, a, b, alpha, checkpoint.name(), base);
            }
        }
        return parts.toAdapter();
    }

    private static double alpha(GgufCheckpoint checkpoint) {
        GgufMetadata metadata = checkpoint.metadata();
        require(checkpoint, "general.architecture", "llama");
        require(checkpoint, "adapter.type", "lora");
        if (metadata.has("adapter.alora.invocation_tokens")) {
            throw new CheckpointException(checkpoint.name() + ": adapter.alora.invocation_tokens: this engine runs "
                    + "adapters that are on for every token");
        }
        double alpha = metadata.has(ALPHA) ? metadata.real(ALPHA) : 0;
        if (!Double.isFinite(alpha)) {
            throw new CheckpointException(
                    checkpoint.name() + ": " + ALPHA + ": expected a finite number, found " + alpha);
        }
        return alpha;
    }

    private static void require(GgufCheckpoint checkpoint, String key, String expected) {
        String found = checkpoint.metadata().text(key);
        if (!found.equals(expected)) {
            throw new CheckpointException(checkpoint.name() + ": " + key + " is " + Names.quote(found)
                    + "; a LoRA adapter of this engine's models says \"" + expected + "\"");
        }
    }

    private static Tensor half(
            GgufCheckpoint checkpoint, AdapterParts parts, String stem, String wanted, String other) {
        return checkpoint.find(stem + wanted).orElseThrow(() -> parts.alone(stem + other, stem + wanted));
    }

    private static void add(
            AdapterParts parts,
            List<AdapterTarget> matrices,
            Tensor a,
            Tensor b,
            double alpha,
            String file,
            MixtralConfig base) {
        int rank = b.cols();
        double scale = alpha == 0 ? 1 : alpha / rank;
        boolean stacked = base.isMixture() && matrices.getFirst().kind().isOfExpert();
        if (!stacked) {
            parts.add(matrices.getFirst(), a, b, rank, scale);
            return;
        }
        for (Tensor tensor : new Tensor[] {a, b}) {
            if (tensor.shape().rank() != 3 || tensor.shape().dim(0) != matrices.size()) {
                throw new CheckpointException(file + ": " + tensor.name() + ": expected a stack of " + matrices.size()
                        + " matrices, found shape " + tensor.shape());
            }
        }
        for (AdapterTarget target : matrices) {
            parts.add(target, a.slice(target.expert()), b.slice(target.expert()), rank, scale);
        }
    }
}
