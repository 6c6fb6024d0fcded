package io.github.mixtral4j.train.loop;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/// What one step was like: a line of `metrics.jsonl`.
///
/// @param step from 1
/// @param epoch how many times the data has been gone through
/// @param loss mean over the step's tokens, or pairs
/// @param loadBalancing mean over its batches, without the coefficient
/// @param routerZ mean over its batches, without the coefficient
/// @param preferred share of pairs whose chosen reply is ahead of the reference; empty unless the objective
///     is dpo
/// @param gradientNorm before it was clipped
/// @param tokens of all batches so far
/// @param tokensPerSecond of this step
/// @param seconds computed so far
/// @param expertLoad rows that each expert was given, `[layer][expert]`
/// @param evaluation what was measured after the step, if it was
public record StepMetrics(
        int step,
        double epoch,
        double loss,
        double loadBalancing,
        double routerZ,
        OptionalDouble preferred,
        double learningRate,
        double gradientNorm,
        long tokens,
        double tokensPerSecond,
        double seconds,
        long[][] expertLoad,
        Optional<Evaluated> evaluation) {
    /// An evaluation.
    ///
    /// @param loss mean over tokens or pairs
    /// @param preferred as in training
    public record Evaluated(double loss, OptionalDouble preferred) {
        /// For a person to read.
        String text() {
            String text = String.format(Locale.ROOT, "evaluation %.4f", loss);
            return preferred.isEmpty()
                    ? text
                    : String.format(
                            Locale.ROOT, "%s, chosen preferred in %.1f %%", text, 100 * preferred.getAsDouble());
        }

        void addTo(Map<String, Object> json) {
            json.put("eval_loss", loss);
            preferred.ifPresent(share -> json.put("eval_preferred", share));
        }
    }

    /// The same step with an evaluation.
    StepMetrics with(Evaluated evaluated) {
        return new StepMetrics(
                step,
                epoch,
                loss,
                loadBalancing,
                routerZ,
                preferred,
                learningRate,
                gradientNorm,
                tokens,
                tokensPerSecond,
                seconds,
                expertLoad,
                Optional.of(evaluated));
    }

    /// How uneven the experts are used: rows of the busiest over those of an even share, in the layer where
    /// this is worst; 1 is even. 0 if there are no experts.
    public double imbalance() {
        return ExpertLoad.imbalance(expertLoad);
    }

    /// The line as JSON has it.
    Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("step", step);
        json.put("epoch", epoch);
        json.put("loss", loss);
        preferred.ifPresent(share -> json.put("preferred", share));
        json.put("load_balancing", loadBalancing);
        json.put("router_z", routerZ);
        json.put("learning_rate", learningRate);
        json.put("gradient_norm", gradientNorm);
        json.put("tokens", tokens);
        json.put("tokens_per_second", tokensPerSecond);
        json.put("seconds", seconds);
        json.put("expert_load", expertLoad);
        evaluation.ifPresent(evaluated -> evaluated.addTo(json));
        return json;
    }
}
