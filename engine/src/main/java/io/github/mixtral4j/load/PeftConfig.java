package io.github.mixtral4j.load;

import io.github.mixtral4j.checkpoint.Names;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/// Reads the `adapter_config.json` of a LoRA adapter.
///
/// The rank and alpha of a module come from `rank_pattern` and `alpha_pattern` where a key of these
/// names it or the end of its name, or with `^` before it the whole name, else they are `r` and
/// `lora_alpha`. Its scale is alpha / rank, with `use_rslora` alpha / √rank.
///
/// Source: LoraConfig and `LoraLayer.update_layer` of PEFT; Kalajdzievski 2023, "A Rank Stabilization
/// Scaling Factor for Fine-Tuning with LoRA".
///
/// @param rank for modules without a pattern
/// @param alpha for modules without a pattern
/// @param rankStabilized whether the scale is alpha / √rank
record PeftConfig(
        int rank,
        double alpha,
        boolean rankStabilized,
        Map<String, Double> rankPattern,
        Map<String, Double> alphaPattern) {
    /// Options under which an adapter is more than, or other than, pairs of low-rank matrices.
    private static final String[] UNSUPPORTED_FLAGS = {"use_dora", "lora_bias", "fan_in_fan_out", "use_qalora"};

    private static final String[] UNSUPPORTED_VALUES = {
        "modules_to_save",
        "layer_replication",
        "trainable_token_indices",
        "alora_invocation_tokens",
        "arrow_config",
        "megatron_config",
        "use_bdlora"
    };

    /// Ways to begin a training that take something away from the base first: the adapter belongs to
    /// what is left.
    private static final Pattern CHANGES_BASE =
            Pattern.compile("(pissa|olora|corda|lora_ga|loftq).*", Pattern.CASE_INSENSITIVE);

    /// A module or the end of one, perhaps anchored; PEFT would take any regular expression.
    private static final Pattern MODULE = Pattern.compile("\\^?\\w+(\\.\\w+)*\\$?");

    /// Far beyond any real module; the pattern takes stack with every dot.
    private static final int MAX_MODULE_LENGTH = 256;

    static PeftConfig read(JsonKeys keys) {
        String type = keys.text("peft_type");
        if (!type.equals("LORA")) {
            throw keys.error("peft_type is " + Names.quote(type) + "; this engine runs \"LORA\"");
        }
        for (String flag : UNSUPPORTED_FLAGS) {
            if (keys.flag(flag)) {
                throw keys.error(flag + " is true; this engine runs plain LoRA, without it");
            }
        }
        for (String value : UNSUPPORTED_VALUES) {
            if (!keys.isEmpty(value)) {
                throw keys.error(value + " is set; this engine runs plain LoRA of attention, router and experts");
            }
        }
        if (!keys.isEmpty("target_parameters")) {
            throw keys.error("target_parameters is set: the adapter is of experts that are fused, as transformers 5 has"
                    + " them; this engine runs pairs for each expert's w1, w2 and w3");
        }
        keys.textIfAny("init_lora_weights")
                .filter(start -> CHANGES_BASE.matcher(start).matches())
                .ifPresent(start -> {
                    throw keys.error("init_lora_weights is " + Names.quote(start)
                            + ": such an adapter belongs to a base that was changed, too; save it with"
                            + " path_initial_model_for_weight_conversion, as PEFT has it");
                });
        return new PeftConfig(
                rank(keys, "r", keys.integer("r")),
                finite(keys, "lora_alpha", keys.real("lora_alpha")),
                keys.flag("use_rslora"),
                pattern(keys, "rank_pattern"),
                pattern(keys, "alpha_pattern"));
    }

    private static Map<String, Double> pattern(JsonKeys keys, String key) {
        Map<String, Double> values = new LinkedHashMap<>();
        keys.object(key).ifPresent(entries -> {
            for (String module : entries.names()) {
                String name = module.replace("\\.", ".");
                if (name.length() > MAX_MODULE_LENGTH || !MODULE.matcher(name).matches()) {
                    throw entries.error("expected names of modules, found the expression " + JsonKeys.shorten(module));
                }
                double value = key.equals("rank_pattern")
                        ? rank(entries, module, entries.integer(module))
                        : finite(entries, module, entries.real(module));
                values.put(name.replace("$", ""), value);
            }
        });
        return values;
    }

    private static int rank(JsonKeys keys, String key, int rank) {
        if (rank < 1 || rank > AdapterParts.MAX_RANK) {
            throw keys.error(key + ": expected a rank of 1 to " + AdapterParts.MAX_RANK + ", found " + rank);
        }
        return rank;
    }

    private static double finite(JsonKeys keys, String key, double value) {
        if (!Float.isFinite((float) value)) {
            throw keys.error(key + ": expected a finite number, found " + value);
        }
        return value;
    }

    /// The rank of a module, such as `model.layers.3.self_attn.q_proj`.
    int rank(String module) {
        return (int) of(module, rankPattern, rank);
    }

    /// How much of the change of a module counts.
    double scale(String module) {
        double perRank = rankStabilized ? Math.sqrt(rank(module)) : rank(module);
        return of(module, alphaPattern, alpha) / perRank;
    }

    /// The value of the first key that names the module.
    private static double of(String module, Map<String, Double> pattern, double absent) {
        for (Map.Entry<String, Double> entry : pattern.entrySet()) {
            String key = entry.getKey();
            boolean named = key.startsWith("^")
                    ? module.equals(key.substring(1))
                    : module.equals(key) || module.endsWith("." + key);
            if (named) {
                return entry.getValue();
            }
        }
        return absent;
    }
}
