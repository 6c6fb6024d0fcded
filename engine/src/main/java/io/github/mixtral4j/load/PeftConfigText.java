package io.github.mixtral4j.load;

import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.AdapterTarget;
import io.github.mixtral4j.model.LowRank;
import io.github.mixtral4j.model.MixtralConfig;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// The `adapter_config.json` that says what [PeftConfig] reads: the commonest rank and alpha as the rule, the others as
/// patterns, and as targets exactly the modules that the adapter changes.
final class PeftConfigText {
    private static final JsonMapper MAPPER =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private PeftConfigText() {}

    static String of(Adapter adapter, MixtralConfig config, String baseModel) {
        Map<String, Number> ranks = new LinkedHashMap<>();
        Map<String, Number> alphas = new LinkedHashMap<>();
        adapter.changes().forEach((target, change) -> {
            String module = PeftAdapter.module(target, config, "block_sparse_moe");
            ranks.put(module, change.rank());
            alphas.put(module, alpha(change));
        });
        Number rank = commonest(ranks);
        Number alpha = commonest(alphas);
        ranks.values().removeIf(rank::equals);
        alphas.values().removeIf(alpha::equals);
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("peft_type", "LORA");
        json.put("task_type", "CAUSAL_LM");
        json.put("base_model_name_or_path", baseModel);
        json.put("r", rank);
        json.put("lora_alpha", alpha);
        json.put("rank_pattern", ranks);
        json.put("alpha_pattern", alphas);
        json.put("target_modules", targetModules(adapter, config));
        json.put("lora_dropout", 0.0);
        json.put("bias", "none");
        json.put("fan_in_fan_out", false);
        json.put("use_rslora", false);
        json.put("use_dora", false);
        json.put("init_lora_weights", true);
        json.put("inference_mode", true);
        json.put("modules_to_save", null);
        return MAPPER.writeValueAsString(json) + "\n";
    }

    /// The scale times the rank; exact, because a product of 24 bits and few more fits a double.
    private static Number alpha(LowRank change) {
        double alpha = (double) change.scale() * change.rank();
        return alpha == (int) alpha ? (Number) (int) alpha : (Number) alpha;
    }

    private static Number commonest(Map<String, Number> values) {
        return values.values().stream()
                .collect(Collectors.groupingBy(value -> value, LinkedHashMap::new, Collectors.counting()))
                .entrySet()
                .stream()
                .max(Map.Entry.comparingByValue())
                .orElseThrow(() -> new IllegalArgumentException("an adapter without changes cannot be written"))
                .getKey();
    }

    /// The last part of the name where all modules of a kind are changed, else their whole names.
    private static List<String> targetModules(Adapter adapter, MixtralConfig config) {
        Map<AdapterTarget.Kind, List<String>> changed = new EnumMap<>(AdapterTarget.Kind.class);
        Map<AdapterTarget.Kind, Integer> possible = new TreeMap<>();
        AdapterTarget.all(config).forEach(target -> possible.merge(target.kind(), 1, Integer::sum));
        adapter.changes()
                .keySet()
                .forEach(target -> changed.computeIfAbsent(target.kind(), kind -> new ArrayList<>())
                        .add(PeftAdapter.module(target, config, "block_sparse_moe")));
        List<String> modules = new ArrayList<>();
        changed.forEach((kind, names) -> {
            String first = names.getFirst();
            if (names.size() == possible.getOrDefault(kind, 0)) {
                modules.add(first.substring(first.lastIndexOf('.') + 1));
            } else {
                modules.addAll(names);
            }
        });
        return modules;
    }
}
