package io.github.mixtral4j.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/// How the next token is chosen. Start from [#defaults()] or [#greedy()], or build with [#builder()].
///
/// @param temperature 0 takes the most likely token (and makes top-k, typical, top-p and min-p irrelevant); 1 samples
///     from the model's own distribution
/// @param topK keep this many of the most likely tokens; 0 keeps all
/// @param topP keep the most likely tokens that make up this probability; 1 keeps all, 0 keeps one
/// @param minP keep tokens at least this many times as likely as the most likely one; 0 keeps all
/// @param typicalP keep the tokens of most typical surprise that make up this probability; 1 keeps all
/// @param repetitionPenalty divides the logits of recent tokens; 1 changes nothing
/// @param presencePenalty subtracted from the logits of recent tokens; 0 changes nothing
/// @param frequencyPenalty subtracted once per recent occurrence; 0 changes nothing
/// @param penaltyLastN what "recent" means: the last so many tokens of prompt and completion together; -1 all, 0 none
/// @param logitBias added to the logits of these tokens, before everything else; `-Infinity` bans a token
/// @param seed of the random numbers: same seed, same logits, same tokens; empty draws a new one for every [Sampler]
public record SamplingParams(
        double temperature,
        int topK,
        double topP,
        double minP,
        double typicalP,
        double repetitionPenalty,
        double presencePenalty,
        double frequencyPenalty,
        int penaltyLastN,
        Map<Integer, Double> logitBias,
        OptionalLong seed) {

    /// @throws IllegalArgumentException naming the parameter that is out of range, as `temperature must be >= 0, got
    /// -0.5`
    public SamplingParams {
        finite("temperature", temperature);
        require(temperature >= 0, "temperature must be >= 0, got " + temperature);
        require(topK >= 0, "topK must be >= 0 (0 keeps all tokens), got " + topK);
        fraction("topP", topP);
        fraction("minP", minP);
        fraction("typicalP", typicalP);
        finite("repetitionPenalty", repetitionPenalty);
        require(repetitionPenalty > 0, "repetitionPenalty must be > 0 (1 changes nothing), got " + repetitionPenalty);
        finite("presencePenalty", presencePenalty);
        finite("frequencyPenalty", frequencyPenalty);
        require(penaltyLastN >= -1, "penaltyLastN must be >= -1 (-1 is the whole text), got " + penaltyLastN);
        logitBias = Map.copyOf(logitBias);
        logitBias.forEach((token, bias) -> {
            require(token >= 0, "logitBias needs token ids >= 0, got " + token);
            require(
                    bias < Double.POSITIVE_INFINITY,
                    "logitBias of token " + token + " must be a number or -Infinity, got " + bias);
        });
    }

    /// Temperature 0.7, which Mistral recommends, and no other rule.
    public static SamplingParams defaults() {
        return builder().build();
    }

    /// Always the most likely token.
    public static SamplingParams greedy() {
        return builder().temperature(0).build();
    }

    /// A builder that starts from [#defaults()].
    public static Builder builder() {
        return new Builder();
    }

    /// A builder that starts from these values.
    public Builder toBuilder() {
        return new Builder(this);
    }

    /// The rules that are not neutral, as fresh processors in the order in which they run: logit bias; repetition,
    /// presence and frequency penalty; top-k; typical; top-p; min-p; temperature. The truncating rules thus see the
    /// model's own probabilities at temperature 1.
    ///
    /// Source of the order: the default sampler chain of llama.cpp, `common_params_sampling` in common.h.
    public List<LogitsProcessor> processors() {
        var chain = new ArrayList<LogitsProcessor>();
        if (!logitBias.isEmpty()) {
            chain.add(new LogitBias(logitBias));
        }
        if (penaltyLastN != 0) {
            addPenalties(chain);
        }
        if (temperature == 0) {
            chain.add(new Greedy());
        } else {
            addTruncations(chain);
            if (temperature != 1) {
                chain.add(new Temperature(temperature));
            }
        }
        return chain;
    }

    private void addPenalties(List<LogitsProcessor> chain) {
        if (repetitionPenalty != 1) {
            chain.add(new RepetitionPenalty(repetitionPenalty, new RecentTokens(penaltyLastN)));
        }
        if (presencePenalty != 0) {
            chain.add(new PresencePenalty(presencePenalty, new RecentTokens(penaltyLastN)));
        }
        if (frequencyPenalty != 0) {
            chain.add(new FrequencyPenalty(frequencyPenalty, new RecentTokens(penaltyLastN)));
        }
    }

    private void addTruncations(List<LogitsProcessor> chain) {
        if (topK > 0) {
            chain.add(new TopK(topK));
        }
        if (typicalP < 1) {
            chain.add(new Typical(typicalP));
        }
        if (topP < 1) {
            chain.add(new TopP(topP));
        }
        if (minP > 0) {
            chain.add(new MinP(minP));
        }
    }

    private static void finite(String name, double value) {
        require(Double.isFinite(value), name + " must be a finite number, got " + value);
    }

    private static void fraction(String name, double value) {
        require(value >= 0 && value <= 1, name + " must be between 0 and 1, got " + value);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }

    /// Collects the values of [SamplingParams]; each method sets the parameter of its name. Values are checked by
    /// [#build()].
    public static final class Builder {
        private double temperature = 0.7;
        private int topK;
        private double topP = 1;
        private double minP;
        private double typicalP = 1;
        private double repetitionPenalty = 1;
        private double presencePenalty;
        private double frequencyPenalty;
        private int penaltyLastN = 64;
        private Map<Integer, Double> logitBias = Map.of();
        private OptionalLong seed = OptionalLong.empty();

        private Builder() {}

        private Builder(SamplingParams from) {
            temperature = from.temperature;
            topK = from.topK;
            topP = from.topP;
            minP = from.minP;
            typicalP = from.typicalP;
            repetitionPenalty = from.repetitionPenalty;
            presencePenalty = from.presencePenalty;
            frequencyPenalty = from.frequencyPenalty;
            penaltyLastN = from.penaltyLastN;
            logitBias = from.logitBias;
            seed = from.seed;
        }

        /// At least 0; 0.7 unless set. 0 takes the most likely token.
        public Builder temperature(double value) {
            temperature = value;
            return this;
        }

        /// At least 0; 0 unless set, which keeps all tokens.
        public Builder topK(int value) {
            topK = value;
            return this;
        }

        /// From 0 to 1; 1 unless set, which keeps all tokens.
        public Builder topP(double value) {
            topP = value;
            return this;
        }

        /// From 0 to 1; 0 unless set, which keeps all tokens.
        public Builder minP(double value) {
            minP = value;
            return this;
        }

        /// From 0 to 1; 1 unless set, which keeps all tokens.
        public Builder typicalP(double value) {
            typicalP = value;
            return this;
        }

        /// Above 0; 1 unless set, which changes nothing.
        public Builder repetitionPenalty(double value) {
            repetitionPenalty = value;
            return this;
        }

        /// Any finite number; 0 unless set, which changes nothing. Below 0 it rewards.
        public Builder presencePenalty(double value) {
            presencePenalty = value;
            return this;
        }

        /// Any finite number; 0 unless set, which changes nothing. Below 0 it rewards.
        public Builder frequencyPenalty(double value) {
            frequencyPenalty = value;
            return this;
        }

        /// At least -1; 64 unless set. -1 looks at the whole text, 0 at nothing.
        public Builder penaltyLastN(int value) {
            penaltyLastN = value;
            return this;
        }

        /// Token ids of at least 0 to finite numbers or `-Infinity`; empty unless set.
        public Builder logitBias(Map<Integer, Double> value) {
            logitBias = value;
            return this;
        }

        /// Any number; unless set, every [Sampler] draws its own.
        public Builder seed(long value) {
            seed = OptionalLong.of(value);
            return this;
        }

        /// @throws IllegalArgumentException naming the parameter that is out of range
        public SamplingParams build() {
            return new SamplingParams(
                    temperature,
                    topK,
                    topP,
                    minP,
                    typicalP,
                    repetitionPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    penaltyLastN,
                    logitBias,
                    seed);
        }
    }
}
