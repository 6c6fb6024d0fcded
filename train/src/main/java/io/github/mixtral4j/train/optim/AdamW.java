package io.github.mixtral4j.train.optim;

import io.github.mixtral4j.kernel.TrainingOps;
import io.github.mixtral4j.kernel.TrainingOps.AdamStep;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.model.Parameter;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/// Adam with decoupled weight decay ([TrainingOps#adamW] is the formula). Holds two moments per parameter;
/// one thread uses it at a time.
///
/// Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, with the decay
/// scaled by the learning rate as PyTorch does it.
public final class AdamW {
    /// What stays the same for all steps.
    ///
    /// @param weightDecay of matrices; norms do not decay
    public record Settings(double beta1, double beta2, double epsilon, double weightDecay) {}

    private final List<Parameter> parameters;
    private final Settings settings;
    private final TrainingOps ops;
    private final List<Rows> means = new ArrayList<>();
    private final List<Rows> squares = new ArrayList<>();
    private long steps;

    /// Starts with moments of zero.
    ///
    /// @param arena where the moments are, eight bytes for every parameter
    public AdamW(List<Parameter> parameters, Settings settings, TrainingOps ops, Arena arena) {
        this.parameters = List.copyOf(parameters);
        this.settings = settings;
        this.ops = ops;
        for (Parameter parameter : parameters) {
            means.add(Rows.allocate(arena, parameter.rows(), parameter.cols()));
            squares.add(Rows.allocate(arena, parameter.rows(), parameter.cols()));
        }
    }

    /// Goes on after so many steps; the moments are set by the caller.
    public void resumeAfter(long steps) {
        this.steps = steps;
    }

    /// The running means of the gradients, in the order of the parameters.
    public List<Rows> means() {
        return List.copyOf(means);
    }

    /// The running means of their squares.
    public List<Rows> squares() {
        return List.copyOf(squares);
    }

    /// The Euclidean length of all gradients together.
    public double gradientNorm() {
        double[] parts = new double[parameters.size()];
        ops.parallel(
                parts.length,
                (i, _) -> parts[i] = ops.squaredNorm(parameters.get(i).gradient()));
        double sum = 0;
        for (double part : parts) {
            sum += part;
        }
        return Math.sqrt(sum);
    }

    /// Changes every parameter, and sets the gradients to zero.
    ///
    /// @param rate learning rate of this step
    /// @param gradientScale what the gradients are multiplied by first, to clip them
    public void step(double rate, double gradientScale) {
        steps++;
        ops.parallel(parameters.size(), (i, _) -> {
            Parameter parameter = parameters.get(i);
            AdamStep step = new AdamStep(
                    (float) rate,
                    (float) settings.beta1(),
                    (float) settings.beta2(),
                    (float) settings.epsilon(),
                    parameter.decays() ? (float) settings.weightDecay() : 0,
                    steps,
                    (float) gradientScale);
            ops.adamW(parameter.value(), parameter.gradient(), means.get(i), squares.get(i), step);
            parameter.gradient().data().fill((byte) 0);
        });
    }
}
