package io.github.mixtral4j.nano.eval;

import io.github.mixtral4j.nano.data.Language;
import io.github.mixtral4j.nano.eval.Examination.Marks;
import io.github.mixtral4j.nano.eval.Examination.Score;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// What an evaluation found.
///
/// @param model name of the model's file
/// @param marks of the tasks
/// @param perplexity of whole conversations, by language
/// @param load of each expert in each layer, 1 being its equal share; the caller's own
@SuppressWarnings("ArrayRecordComponent") // to be written, never compared
public record Report(String model, Marks marks, Map<Language, Double> perplexity, double[][] load) {
    /// Everything as JSON, for machines.
    public String json() {
        ObjectNode root = JsonNodeFactory.instance.objectNode().put("model", model);
        ObjectNode scores = root.putObject("scores");
        marks.scores()
                .forEach((kind, s) ->
                        scores.putObject(kind).put("right", s.right()).put("tasks", s.tasks()));
        root.putObject("arithmetic")
                .put("votes", Examination.VOTES)
                .put("pass_at_1", marks.votes().passAt1())
                .put("majority", marks.votes().majority().share());
        ObjectNode perplexities = root.putObject("perplexity");
        perplexity.forEach((language, value) -> perplexities.put(language.code(), value));
        root.set("expert_load", new JsonMapper().valueToTree(load));
        root.set("wrong", new JsonMapper().valueToTree(marks.wrong()));
        return root.toPrettyString();
    }

    /// The figures by the names of their places in the model card.
    public Map<String, String> sections() {
        return Map.of("aims", aims(), "kinds", kinds(), "perplexity", perplexities(), "experts", experts());
    }

    private String aims() {
        return """
                | held-out task | reached | aim |
                |---|---|---|
                | function calls exactly right (%d) | %s | 90 %% |
                | JSON right (%d) | %s | 90 %% |
                | answers from a text about a country (%d) | %s | 80 %% |
                | word problems, vote of %d (%d) | %s | 70 %% |
                | word problems, one try | %s | below the vote |
                | least and most used expert of any layer | %s | 0.5 to 2 |
                """.formatted(
                        sum(calls()).tasks(),
                        percent(sum(calls())),
                        sum(k -> k.equals("extraction")).tasks(),
                        percent(sum(k -> k.equals("extraction"))),
                        sum(countries()).tasks(),
                        percent(sum(countries())),
                        Examination.VOTES,
                        marks.votes().majority().tasks(),
                        percent(marks.votes().majority()),
                        percent(marks.votes().passAt1()),
                        range());
    }

    /// Tasks that want calls; where none is wanted, a model that never calls is right too.
    private static Predicate<String> calls() {
        return Set.of("calls.one", "calls.choice", "calls.several")::contains;
    }

    private static Predicate<String> countries() {
        return kind -> kind.equals("reading") || kind.equals("reading.absent");
    }

    private Score sum(Predicate<String> kinds) {
        return marks.scores().entrySet().stream()
                .filter(e -> kinds.test(e.getKey()))
                .map(Map.Entry::getValue)
                .reduce(new Score(0, 0), Score::plus);
    }

    private String kinds() {
        StringBuilder table = new StringBuilder("| kind | right | tasks |\n|---|---|---|\n");
        marks.scores()
                .forEach((kind, s) -> table.append("| `%s` | %s | %d |\n".formatted(kind, percent(s), s.tasks())));
        return table.toString();
    }

    private String perplexities() {
        StringBuilder table = new StringBuilder("| language | perplexity per token |\n|---|---|\n");
        perplexity.forEach((language, value) ->
                table.append(String.format(Locale.ROOT, "| %s | %.2f |\n", language.code(), value)));
        return table.toString();
    }

    private String experts() {
        StringBuilder table = new StringBuilder("| layer | load of its experts |\n|---|---|\n");
        for (int layer = 0; layer < load.length; layer++) {
            table.append("| ").append(layer).append(" |");
            for (double share : load[layer]) {
                table.append(String.format(Locale.ROOT, " %.2f", share));
            }
            table.append(" |\n");
        }
        return table.toString();
    }

    private String range() {
        double[] all = Arrays.stream(load).flatMapToDouble(Arrays::stream).toArray();
        return String.format(
                Locale.ROOT,
                "%.2f and %.2f",
                Arrays.stream(all).min().orElse(Double.NaN),
                Arrays.stream(all).max().orElse(Double.NaN));
    }

    private static String percent(Score score) {
        return score.tasks() == 0 ? "not examined" : percent(score.share());
    }

    private static String percent(double share) {
        return Double.isNaN(share) ? "not examined" : String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
