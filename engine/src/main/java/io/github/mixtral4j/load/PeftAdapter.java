package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.SafetensorsCheckpoint;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads an adapter as PEFT saves it: for a module `M` of the Hugging Face model, `base_model.model.M.lora_A.weight
/// [rank, in]` and `base_model.model.M.lora_B.weight [out, rank]`.
///
/// Source: `get_peft_model_state_dict` of PEFT; module names of modeling_mixtral.py.
final class PeftAdapter {
    static final String PREFIX = "base_model.model.";
    static final String A = ".lora_A.weight";
    static final String B = ".lora_B.weight";

    private static final Pattern NAME =
            Pattern.compile("base_model\\.model\\.(.+)\\.lora_([AB])((?:\\.default)?\\.weight)");

    private PeftAdapter() {}

    /// The matrices of a model by module name, under either name of the mixture.
    private static Map<String, AdapterTarget> targets(MixtralConfig base) {
        Map<String, AdapterTarget> targets = new LinkedHashMap<>();
        for (AdapterTarget target : AdapterTarget.all(base)) {
            targets.put(module(target, base, "block_sparse_moe"), target);
            targets.put(module(target, base, "mlp"), target);
        }
        return targets;
    }

    /// What PEFT calls a matrix.
    ///
    /// @param moe name of the mixture in a block: `block_sparse_moe`, in transformers 5 `mlp`
    static String module(AdapterTarget target, MixtralConfig base, String moe) {
        String weight =
                TensorNaming.HUGGING_FACE.template(target, base.isMixture()).replace("{moe}", moe);
        return weight.substring(0, weight.length() - ".weight".length());
    }

    private static String modules(MixtralConfig base) {
        return "q_proj, k_proj, v_proj, o_proj, "
                + (base.isMixture() ? "gate, w1, w2 and w3" : "gate_proj, up_proj and down_proj");
    }

    static Adapter read(SafetensorsCheckpoint checkpoint, MixtralConfig base) {
        PeftConfig config = PeftConfig.read(new JsonKeys(checkpoint.layout().configName(), checkpoint.config()));
        AdapterParts parts = new AdapterParts(checkpoint.name(), base, TensorNaming.HUGGING_FACE.rope());
        Map<String, AdapterTarget> targets = targets(base);
        // The message is that of the file: why a tensor cannot be read.
        checkpoint.unreadable().forEach(checkpoint::find);
        for (String name : checkpoint.tensors().keySet()) {
            Matcher matcher = NAME.matcher(name);
            AdapterTarget target = matcher.matches() ? targets.get(matcher.group(1)) : null;
            if (target == null) {
                throw parts.foreign(name, modules(base));
            }
            String module = matcher.group(1);
            Tensor a = half(checkpoint, parts, matcher, "A", name);
            Tensor b = half(checkpoint, parts, matcher, "B", name);
            if (matcher.group(2).equals("A")) {
                parts.add(target, a, b, config.rank(module), config.scale(module));
            }
        }
        return parts.toAdapter();
    }

    private static Tensor half(
            SafetensorsCheckpoint checkpoint, AdapterParts parts, Matcher matcher, String which, String name) {
        String wanted = PREFIX + matcher.group(1) + ".lora_" + which + matcher.group(3);
        return checkpoint.find(wanted).orElseThrow(() -> parts.alone(name, wanted));
    }
}
