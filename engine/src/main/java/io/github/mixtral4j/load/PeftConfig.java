package io.github.mixtral4j.load;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/// Reads the `adapter_config.json` of a LoRA adapter.
///
/// The rank and alpha of a module come from `rank_pattern` and `alpha_pattern` where a key of these names it or the
/// end of its name, else they are `r` and `lora_alpha`. Its scale is alpha / rank, with `use_rslora` alpha / √rank.
///
/// Source: LoraConfig of PEFT; Kalajdzievski 2023, "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA".
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
        "target_parameters",
        "layer_replication",
        "trainable_token_indices",
        "alora_invocation_tokens",
        "arrow_config",
        "megatron_config",
        "use_bdlora"
    };

    /// Beyond any rank that is low; the width of 8x22B.
    private static final int MAX_RANK = 6144;

    /// A module or the end of one, perhaps anchored; PEFT would take any regular expression.
    private static final Pattern MODULE = Pattern.compile("\\^?[A-Za-z0-9_.]+\\$?");

    static PeftConfig read(JsonKeys keys) {
        String type = keys.text("peft_type");
        if (!type.equals("LORA")) {
            throw keys.error("peft_type is \"" + type + "\"; this engine runs \"LORA\"");
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
        String bias = keys.text("bias", "none");
        if (!bias.equals("none")) {
            throw keys.error("bias is \"" + bias + "\"; this engine runs adapters with \"none\"");
        }
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
                if (!MODULE.matcher(name).matches()) {
                    throw entries.error("expected names of modules, found the expression " + JsonKeys.shorten(module));
                }
                double value = key.equals("rank_pattern")
                        ? rank(entries, module, entries.integer(module))
                        : finite(entries, module, entries.real(module));
                values.put(name.replaceAll("[\\^$]", ""), value);
            }
        });
        return values;
    }

    private static int rank(JsonKeys keys, String key, int rank) {
        if (rank < 1 || rank > MAX_RANK) {
            throw keys.error(key + ": expected a rank of 1 to " + MAX_RANK + ", found " + rank);
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

    /// The value of the first key that is the module or the end of its name.
    private static double of(String module, Map<String, Double> pattern, double absent) {
        for (Map.Entry<String, Double> entry : pattern.entrySet()) {
            String key = entry.getKey();
            if (module.equals(key) || module.endsWith("." + key)) {
                return entry.getValue();
            }
        }
        return absent;
    }
}
