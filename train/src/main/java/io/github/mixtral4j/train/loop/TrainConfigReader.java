package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.train.loop.TrainConfig.Checkpoints;
import io.github.mixtral4j.train.loop.TrainConfig.Compute;
import io.github.mixtral4j.train.loop.TrainConfig.Data;
import io.github.mixtral4j.train.loop.TrainConfig.Evaluation;
import io.github.mixtral4j.train.loop.TrainConfig.Length;
import io.github.mixtral4j.train.loop.TrainConfig.Lora;
import io.github.mixtral4j.train.loop.TrainConfig.Losses;
import io.github.mixtral4j.train.loop.TrainConfig.Model;
import io.github.mixtral4j.train.loop.TrainConfig.NewModel;
import io.github.mixtral4j.train.loop.TrainConfig.Objective;
import io.github.mixtral4j.train.loop.TrainConfig.Optimizer;
import io.github.mixtral4j.train.loop.TrainConfig.Source;
import io.github.mixtral4j.train.optim.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/// From the keys of a YAML file to a [TrainConfig]: which there are, their defaults, their ranges.
final class TrainConfigReader {
    private static final List<String> OF_EXPERTS = List.of("gate_proj", "up_proj", "down_proj");
    private static final List<String> LORA_TARGETS = Stream.concat(
                    Stream.of("wq", "wk", "wv", "wo", "router"), OF_EXPERTS.stream())
            .toList();

    /// Tokens of a batch: beyond what any machine trains on at once, and few enough to reckon with in 32
    /// bits.
    private static final int MAX_TOKENS = 1 << 24;

    private TrainConfigReader() {}

    static TrainConfig read(Path file) throws IOException {
        YamlMap yaml = YamlMap.read(file);
        Objective objective = objective(yaml);
        YamlMap optimizer = yaml.needMap("optimizer");
        TrainConfig config = new TrainConfig(
                file,
                yaml.flat(),
                model(yaml.needMap("model")),
                yaml.map("lora").map(TrainConfigReader::lora),
                data(yaml.needMap("data"), objective),
                objective,
                yaml.map("losses").map(map -> losses(map, objective)).orElse(new Losses(0.02, false, 0, 0)),
                optimizer(optimizer),
                schedule(yaml, optimizer),
                length(yaml),
                yaml.integer("accumulation", 1, 1),
                yaml.wide("seed", 0),
                yaml.word("compute", "bf16", "bf16", "f32").equals("bf16") ? Compute.BF16 : Compute.F32,
                yaml.flag("recompute", false),
                yaml.map("evaluation")
                        .map(TrainConfigReader::evaluation)
                        .orElse(new Evaluation(0, OptionalInt.empty())),
                yaml.map("checkpoints")
                        .map(map -> new Checkpoints(map.integer("every", 1, 100), map.integer("keep", 1, 2)))
                        .orElse(new Checkpoints(100, 2)),
                DType.valueOf(yaml.word("export", "bf16", "f32", "f16", "bf16", "q8_0", "q6_k", "q4_k")
                        .toUpperCase(Locale.ROOT)),
                yaml.path("output").orElseThrow(() -> yaml.missing("output")));
        yaml.done();
        if (objective instanceof Objective.Preference
                && config.lora().map(Lora::dropout).orElse(0.0) > 0) {
            throw yaml.problem("lora", "must have no dropout if objective is dpo, which compares replies without it");
        }
        boolean nothing = config.data().eval().isEmpty() && config.data().evalFraction() == 0;
        if (nothing && config.evaluation().every() > 0) {
            throw yaml.problem("evaluation", "needs samples: name them in data.eval, or a share in data.eval_fraction");
        }
        return config;
    }

    private static Model model(YamlMap map) {
        Optional<Path> base = map.path("base");
        Optional<YamlMap> sizes = map.map("new");
        Optional<Path> tokenizer = map.path("tokenizer");
        Optional<String> format =
                map.has("chat_format") ? Optional.of(map.word("chat_format", "v3", "v1", "v3")) : Optional.empty();
        if (base.isPresent() == sizes.isPresent()) {
            throw map.problem(
                    "base",
                    base.isPresent()
                            ? "cannot stand beside new: start from a checkpoint or from random weights"
                            : "is missing; name a checkpoint there, or describe a model with random weights under new");
        }
        if (base.isPresent()) {
            return new Model.Base(base.get(), tokenizer, format);
        }
        if (tokenizer.isEmpty()) {
            throw map.missing("tokenizer");
        }
        return new Model.New(newModel(sizes.orElseThrow()), tokenizer, format);
    }

    private static NewModel newModel(YamlMap map) {
        int hidden = need(map, "hidden_size");
        int heads = need(map, "num_heads");
        NewModel model = new NewModel(
                hidden,
                need(map, "intermediate_size"),
                need(map, "num_layers"),
                heads,
                map.integer("num_kv_heads", 1, heads),
                map.integer("head_dim", 2, Math.max(2, hidden / heads)),
                map.integer("num_experts", 1, 8),
                map.integer("num_experts_per_token", 1, 2),
                map.integer("context_length", 2, 2048),
                (float) map.real("rms_norm_eps", Range.POSITIVE, 1e-5),
                (float) map.real("rope_theta", Range.POSITIVE, 1e6));
        try {
            var _ = model.withVocabulary(1);
        } catch (IllegalArgumentException e) {
            throw map.problem("hidden_size", "does not go with the other numbers: " + e.getMessage());
        }
        return model;
    }

    private static int need(YamlMap map, String key) {
        return map.integer(key, 1).orElseThrow(() -> map.missing(key));
    }

    private static Lora lora(YamlMap map) {
        int rank = map.integer("rank", 1, 16);
        Set<String> targets = new LinkedHashSet<>(map.texts("targets"));
        for (String target : targets) {
            if (!LORA_TARGETS.contains(target)) {
                throw map.problem("targets", "must be of " + String.join(", ", LORA_TARGETS) + ", got " + target);
            }
        }
        if (targets.isEmpty()) {
            targets.addAll(LORA_TARGETS);
            targets.remove("router");
        }
        List<Integer> experts =
                map.texts("experts").stream().map(text -> expert(map, text)).toList();
        if (!experts.isEmpty() && Collections.disjoint(targets, OF_EXPERTS)) {
            throw map.problem("experts", "has no meaning unless targets has one of " + String.join(", ", OF_EXPERTS));
        }
        return new Lora(
                rank,
                map.real("alpha", Range.POSITIVE, 2.0 * rank),
                map.real("dropout", Range.FRACTION, 0),
                targets,
                experts);
    }

    private static int expert(YamlMap map, String text) {
        try {
            int expert = Integer.parseInt(text);
            if (expert >= 0) {
                return expert;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw map.problem("experts", "must be numbers of experts, from 0, got " + text);
    }

    private static Data data(YamlMap map, Objective objective) {
        List<Source> train = map.list("train", text -> new Source(map.resolve(text), 1), TrainConfigReader::source);
        if (train.isEmpty()) {
            throw map.missing("train");
        }
        List<Path> eval = map.texts("eval").stream().map(map::resolve).toList();
        double fraction = map.real("eval_fraction", Range.FRACTION, 0);
        if (!eval.isEmpty() && fraction > 0) {
            throw map.problem("eval_fraction", "cannot stand beside eval, which names the samples to evaluate on");
        }
        int length = tokens(map, "sequence_length", 512);
        int batch = tokens(map, "batch_tokens", 8 * length);
        int least = objective instanceof Objective.Preference ? 2 * length : length;
        if (batch < least) {
            throw map.problem(
                    "batch_tokens",
                    "must be at least " + least
                            + (least == length ? ", the longest sample" : ", the longest pair of replies") + ", got "
                            + batch);
        }
        return new Data(train, eval, fraction, map.integer("eval_samples", 1, 1000), length, batch);
    }

    private static int tokens(YamlMap map, String key, int unsaid) {
        int tokens = map.integer(key, 2, unsaid);
        if (tokens > MAX_TOKENS) {
            throw map.problem(key, "must be at most " + MAX_TOKENS + " tokens, got " + tokens);
        }
        return tokens;
    }

    private static Source source(YamlMap map) {
        return new Source(map.path("path").orElseThrow(() -> map.missing("path")), map.integer("repeat", 1, 1));
    }

    private static Objective objective(YamlMap yaml) {
        boolean dpo = yaml.word("objective", "next_token", "next_token", "dpo").equals("dpo");
        Optional<YamlMap> map = yaml.map("dpo");
        if (!dpo) {
            if (map.isPresent()) {
                throw yaml.problem("dpo", "has no meaning unless objective is dpo");
            }
            return new Objective.NextToken();
        }
        return map.map(TrainConfigReader::preference).orElse(new Objective.Preference(0.1, 0));
    }

    private static Objective preference(YamlMap map) {
        double smoothing = map.real("label_smoothing", Range.FRACTION, 0);
        if (smoothing >= 0.5) {
            throw map.problem(
                    "label_smoothing", "must be below 0.5, where both replies are worth the same, got " + smoothing);
        }
        return new Objective.Preference(map.real("beta", Range.POSITIVE, 0.1), smoothing);
    }

    private static Losses losses(YamlMap map, Objective objective) {
        if (map.has("prompt") && objective instanceof Objective.Preference) {
            throw map.problem("prompt", "has no meaning if objective is dpo, which compares replies");
        }
        return new Losses(
                map.real("load_balancing", Range.NOT_NEGATIVE, 0.02),
                map.flag("per_layer", false),
                map.real("router_z", Range.NOT_NEGATIVE, 0),
                map.real("prompt", Range.NOT_NEGATIVE, 0));
    }

    private static Optimizer optimizer(YamlMap map) {
        return new Optimizer(
                map.real("beta1", Range.FRACTION, 0.9),
                map.real("beta2", Range.FRACTION, 0.95),
                map.real("epsilon", Range.POSITIVE, 1e-8),
                map.real("weight_decay", Range.NOT_NEGATIVE, 0.1),
                map.real("clip_norm", Range.NOT_NEGATIVE, 1));
    }

    private static Schedule schedule(YamlMap yaml, YamlMap optimizer) {
        double rate =
                optimizer.real("learning_rate", Range.POSITIVE).orElseThrow(() -> optimizer.missing("learning_rate"));
        return yaml.map("schedule")
                .map(map -> switch (map.word("kind", "cosine", "cosine", "one_cycle", "constant")) {
                    case "constant" -> new Schedule.Constant(rate, map.integer("warmup_steps", 0, 0));
                    case "one_cycle" ->
                        new Schedule.OneCycle(
                                rate,
                                map.real("pct_start", Range.FRACTION, 0.3),
                                map.real("div_factor", Range.POSITIVE, 25),
                                map.real("final_div_factor", Range.POSITIVE, 1e4));
                    default ->
                        new Schedule.Cosine(
                                rate,
                                map.integer("warmup_steps", 0, 0),
                                map.real("final_fraction", Range.FRACTION, 0.1));
                })
                .orElse(new Schedule.Cosine(rate, 0, 0.1));
    }

    private static Length length(YamlMap yaml) {
        Optional<Integer> steps = yaml.integer("steps", 1);
        Optional<Integer> epochs = yaml.integer("epochs", 1);
        if (steps.isPresent() && epochs.isPresent()) {
            throw yaml.problem("epochs", "cannot stand beside steps; either says when the run ends");
        }
        return steps.isPresent() ? new Length.Steps(steps.get()) : new Length.Epochs(epochs.orElse(1));
    }

    private static Evaluation evaluation(YamlMap map) {
        Optional<Integer> patience = map.integer("patience", 1);
        int every = map.integer("every", 0, 0);
        if (patience.isPresent() && every == 0) {
            throw map.problem("patience", "needs evaluation.every, the steps between two evaluations");
        }
        return new Evaluation(every, patience.isPresent() ? OptionalInt.of(patience.get()) : OptionalInt.empty());
    }
}
