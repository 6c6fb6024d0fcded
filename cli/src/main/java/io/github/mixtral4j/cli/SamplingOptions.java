package io.github.mixtral4j.cli;

import io.github.mixtral4j.generate.GenerationRequest;
import io.github.mixtral4j.sampling.SamplingParams;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How tokens are chosen and when to stop: shared by the commands that generate.
final class SamplingOptions {
    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "At most this many tokens; without it, until the model stops or the context is full.")
    private @Nullable Integer maxTokens;

    @Option(
            names = "--temperature",
            paramLabel = "T",
            defaultValue = "0.7",
            description = "0 always takes the likeliest token, 1 samples from the model's own distribution"
                    + " (default: ${DEFAULT-VALUE}, as Mistral recommends).")
    private double temperature;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            defaultValue = "0",
            description = "Keep the K likeliest tokens (default: 0, all).")
    private int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            defaultValue = "1",
            description = "Keep the likeliest tokens that make up probability P (default: 1, all).")
    private double topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            defaultValue = "0",
            description = "Keep tokens at least P times as likely as the likeliest (default: 0, all).")
    private double minP;

    @Option(
            names = "--typical",
            paramLabel = "P",
            defaultValue = "1",
            description = "Keep the tokens of most typical surprise that make up probability P (default: 1, all).")
    private double typical;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "X",
            defaultValue = "1",
            description = "Divide the logits of recent tokens by X (default: 1, off).")
    private double repetitionPenalty;

    @Option(
            names = "--presence-penalty",
            paramLabel = "X",
            defaultValue = "0",
            description = "Subtract X from the logits of recent tokens (default: 0, off).")
    private double presencePenalty;

    @Option(
            names = "--frequency-penalty",
            paramLabel = "X",
            defaultValue = "0",
            description = "Subtract X for each recent occurrence of a token (default: 0, off).")
    private double frequencyPenalty;

    @Option(
            names = "--penalty-last-n",
            paramLabel = "N",
            defaultValue = "64",
            description = "The penalties look at this many last tokens, -1 at all (default: ${DEFAULT-VALUE}).")
    private int penaltyLastN;

    @Option(
            names = "--logit-bias",
            paramLabel = "ID=BIAS",
            split = ",",
            description = "Add BIAS to the logit of a token; -Infinity bans it. May be repeated.")
    private Map<Integer, Double> logitBias = Map.of();

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Same seed, same model, same prompt: same text. Without it, another one every time.")
    private @Nullable Long seed;

    @Option(names = "--stop", paramLabel = "TEXT", description = "End before this text. May be repeated.")
    private List<String> stopStrings = List.of();

    @Option(names = "--stop-id", paramLabel = "ID", split = ",", description = "End at this token. May be repeated.")
    private Set<Integer> stopTokens = Set.of();

    @Option(names = "--ignore-eos", description = "Go on where the model would end its text.")
    private boolean ignoreEos;

    /// Checks the values, so that a mistake is found before a model is opened.
    ///
    /// @throws IllegalArgumentException naming the value that is out of range
    void check() {
        var _ = request(0);
    }

    /// The request to complete `prompt` in this way.
    ///
    /// @throws IllegalArgumentException naming the value that is out of range
    GenerationRequest request(int... prompt) {
        GenerationRequest request = GenerationRequest.of(prompt)
                .withSampling(params())
                .withStopStrings(stopStrings)
                .withStopTokens(stopTokens)
                .withIgnoreEos(ignoreEos);
        return maxTokens == null ? request : request.withMaxTokens(ModelOptions.positive("--max-tokens", maxTokens));
    }

    private SamplingParams params() {
        SamplingParams.Builder params = SamplingParams.builder()
                .temperature(temperature)
                .topK(topK)
                .topP(topP)
                .minP(minP)
                .typicalP(typical)
                .repetitionPenalty(repetitionPenalty)
                .presencePenalty(presencePenalty)
                .frequencyPenalty(frequencyPenalty)
                .penaltyLastN(penaltyLastN)
                .logitBias(logitBias);
        if (seed != null) {
            params.seed(seed);
        }
        return params.build();
    }
}
