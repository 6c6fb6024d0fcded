package io.github.mixtral4j.train.loop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import tools.jackson.databind.JsonNode;

/// What a report draws, gathered from `metrics.jsonl`: means over at most [#POINTS] stretches of the run, so
/// that a run of any length fits into a page.
final class Curves {
    /// Points of a curve.
    static final int POINTS = 600;

    private final int steps;
    private final int perPoint;
    /// Means of one figure over the stretches; NaN where there is none.
    final Mean loss;
    final Mean evalLoss;
    final Mean preferred;
    final Mean learningRate;
    final Mean gradientNorm;
    final Mean tokensPerSecond;
    final Mean imbalance;
    /// Rows that each expert was given in the last tenth of the steps, `[layer][expert]`.
    long[][] load = ExpertLoad.NONE;
    int lastStep;
    long tokens;
    double seconds;
    double lastLoss = Double.NaN;
    double lastEvalLoss = Double.NaN;
    /// Before the first step.
    double firstEvalLoss = Double.NaN;

    private Curves(int steps) {
        this.steps = steps;
        this.perPoint = Math.ceilDiv(steps, POINTS);
        int points = Math.ceilDiv(steps, perPoint);
        loss = new Mean(points);
        evalLoss = new Mean(points);
        preferred = new Mean(points);
        learningRate = new Mean(points);
        gradientNorm = new Mean(points);
        tokensPerSecond = new Mean(points);
        imbalance = new Mean(points);
    }

    /// Reads the metrics of a run.
    static Curves read(Path metrics, int steps) throws IOException {
        Curves curves = new Curves(steps);
        MetricsFile.read(metrics, line -> curves.lastStep = line.path("step").asInt(0));
        MetricsFile.read(metrics, curves::add);
        return curves;
    }

    /// The step in the middle of a point's stretch.
    double step(int point) {
        return Math.min(steps, point * (double) perPoint + (perPoint + 1) / 2.0);
    }

    private void add(JsonNode line) {
        int step = line.path("step").asInt(0);
        if (step == 0) {
            firstEvalLoss = line.path("eval_loss").asDouble(Double.NaN);
        }
        if (step < 1 || step > steps) {
            return;
        }
        int point = (step - 1) / perPoint;
        loss.add(point, line.path("loss"));
        evalLoss.add(point, line.path("eval_loss"));
        preferred.add(point, line.path("preferred"));
        learningRate.add(point, line.path("learning_rate"));
        gradientNorm.add(point, line.path("gradient_norm"));
        tokensPerSecond.add(point, line.path("tokens_per_second"));
        long[][] rows = rows(line.path("expert_load"));
        if (rows.length > 0) {
            imbalance.add(point, ExpertLoad.imbalance(rows));
        }
        if (step > lastStep - Math.max(1, lastStep / 10)) {
            load = ExpertLoad.sum(load, rows);
        }
        tokens = line.path("tokens").asLong(0);
        seconds = line.path("seconds").asDouble(0);
        lastLoss = line.path("loss").asDouble(Double.NaN);
        lastEvalLoss = line.path("eval_loss").asDouble(lastEvalLoss);
    }

    private static long[][] rows(JsonNode node) {
        long[][] rows = new long[node.size()][];
        for (int layer = 0; layer < rows.length; layer++) {
            rows[layer] = new long[node.get(layer).size()];
            for (int expert = 0; expert < rows[layer].length; expert++) {
                rows[layer][expert] = node.get(layer).get(expert).asLong(0);
            }
        }
        return rows;
    }

    /// Means over the stretches.
    static final class Mean {
        private final double[] sums;
        private final int[] counts;

        Mean(int points) {
            sums = new double[points];
            counts = new int[points];
        }

        private void add(int point, JsonNode value) {
            if (value.isNumber()) {
                add(point, value.doubleValue());
            }
        }

        private void add(int point, double value) {
            sums[point] += value;
            counts[point]++;
        }

        boolean isEmpty() {
            return Arrays.stream(counts).allMatch(count -> count == 0);
        }

        double[] values() {
            double[] values = new double[sums.length];
            for (int i = 0; i < values.length; i++) {
                values[i] = counts[i] == 0 ? Double.NaN : sums[i] / counts[i];
            }
            return values;
        }
    }
}
