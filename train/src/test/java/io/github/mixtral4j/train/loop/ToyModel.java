package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.model.PackedBatch;
import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.model.StepLosses;
import io.github.mixtral4j.train.model.Trainable;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import java.util.function.IntConsumer;

/// A model that predicts a token from the one before it, by a table: small enough to see through, and with
/// everything that a loop asks of a model.
final class ToyModel implements Trainable {
    private static final int CLASSES = 61;

    private final Parameter table;
    private final Parameter bias;
    private long[][] load = new long[2][4];
    private int steps;
    private int poisonedStep = Integer.MAX_VALUE;
    private IntConsumer inStep = _ -> {};

    ToyModel(Arena arena, long seed) {
        table = new Parameter("model.table.weight", CLASSES, CLASSES, true, arena);
        bias = new Parameter("model.bias.weight", 1, CLASSES, false, arena);
        Random random = new Random(seed);
        for (int row = 0; row < CLASSES; row++) {
            for (int col = 0; col < CLASSES; col++) {
                table.value().set(row, col, 0.1f * (float) random.nextGaussian());
            }
        }
    }

    /// From the given step on, losses are NaN.
    ToyModel poisonedFrom(int step) {
        poisonedStep = step;
        return this;
    }

    /// Does something in every step, given its number since the model was made.
    ToyModel inStep(IntConsumer action) {
        inStep = action;
        return this;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(table, bias);
    }

    @Override
    public StepLosses forwardBackward(PackedBatch batch, float scale, float auxiliaryScale) {
        inStep.accept(steps + 1);
        load = new long[2][4];
        for (int token : batch.tokens()) {
            load[0][token % 4]++;
            load[1][token % 3]++;
        }
        return run(batch, scale);
    }

    @Override
    public StepLosses evaluate(PackedBatch batch) {
        return run(batch, 0);
    }

    private StepLosses run(PackedBatch batch, float scale) {
        double sum = 0;
        double weights = 0;
        for (int row = 0; row < batch.rows(); row++) {
            float weight = batch.weights()[row];
            if (batch.positions()[row] == 0 || weight == 0) {
                continue;
            }
            double[] p = probabilities(batch.tokens()[row - 1]);
            int target = batch.tokens()[row] % CLASSES;
            sum -= weight * Math.log(p[target]);
            weights += weight;
            for (int c = 0; scale != 0 && c < CLASSES; c++) {
                float gradient = (float) (scale * weight * (p[c] - (c == target ? 1 : 0)));
                add(table.gradient(), batch.tokens()[row - 1] % CLASSES, c, gradient);
                add(bias.gradient(), 0, c, gradient);
            }
        }
        return new StepLosses(steps + 1 >= poisonedStep ? Double.NaN : sum, weights, 2, 0.5);
    }

    @Override
    public float[] logProbs(PackedBatch batch) {
        float[] logProbs = new float[batch.rows()];
        for (int row = 0; row < logProbs.length; row++) {
            if (batch.positions()[row] > 0) {
                logProbs[row] = (float) Math.log(probabilities(batch.tokens()[row - 1])[batch.tokens()[row] % CLASSES]);
            }
        }
        return logProbs;
    }

    @Override
    public void parametersChanged() {
        steps++;
    }

    @Override
    public long[][] expertLoad() {
        return load;
    }

    private double[] probabilities(int previous) {
        double[] p = new double[CLASSES];
        double sum = 0;
        for (int c = 0; c < CLASSES; c++) {
            p[c] = Math.exp(
                    table.value().get(previous % CLASSES, c) + bias.value().get(0, c));
            sum += p[c];
        }
        for (int c = 0; c < CLASSES; c++) {
            p[c] /= sum;
        }
        return p;
    }

    private static void add(Rows rows, int row, int col, float value) {
        rows.set(row, col, rows.get(row, col) + value);
    }
}
