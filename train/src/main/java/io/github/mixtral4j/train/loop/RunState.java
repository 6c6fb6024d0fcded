package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.data.BatchStream.Position;
import java.util.Map;

/// Where a run stands, apart from parameters and moments.
///
/// @param step steps taken
/// @param position the batches that come next
/// @param tokens of all batches so far
/// @param seconds computed so far
/// @param bestLoss the lowest loss of an evaluation; infinite if there was none
/// @param bestStep the step it was at
/// @param evaluationsSinceBest evaluations after it
/// @param settings the config as it was written
record RunState(
        int step,
        Position position,
        long tokens,
        double seconds,
        double bestLoss,
        int bestStep,
        int evaluationsSinceBest,
        Map<String, String> settings) {
    static RunState start(Map<String, String> settings) {
        return new RunState(0, Position.START, 0, 0, Double.POSITIVE_INFINITY, 0, 0, settings);
    }

    /// After another step.
    RunState after(Position next, long moreTokens, double moreSeconds) {
        return new RunState(
                step + 1,
                next,
                tokens + moreTokens,
                seconds + moreSeconds,
                bestLoss,
                bestStep,
                evaluationsSinceBest,
                settings);
    }

    /// As if there had been no evaluation yet.
    RunState withoutBest() {
        return new RunState(step, position, tokens, seconds, Double.POSITIVE_INFINITY, 0, 0, settings);
    }

    /// Going on with other settings.
    RunState with(Map<String, String> now) {
        return new RunState(step, position, tokens, seconds, bestLoss, bestStep, evaluationsSinceBest, now);
    }

    /// After an evaluation at this step.
    RunState evaluated(double loss) {
        return loss < bestLoss
                ? new RunState(step, position, tokens, seconds, loss, step, 0, settings)
                : new RunState(step, position, tokens, seconds, bestLoss, bestStep, evaluationsSinceBest + 1, settings);
    }
}
