package io.github.mixtral4j.train.optim;

/// The learning rate of every step of a run. Steps count from 1.
public sealed interface Schedule {
    /// The learning rate of a step.
    ///
    /// @param step from 1 to `steps`
    /// @param steps of the whole run
    double at(int step, int steps);

    /// Rises evenly to `rate`, which the last of the warm-up steps has, and stays there.
    record Constant(double rate, int warmupSteps) implements Schedule {
        @Override
        public double at(int step, int steps) {
            return rate * warmUp(step, warmupSteps);
        }
    }

    /// Rises evenly to `rate`, then falls along half a cosine to `rate · finalFraction`, which the last step
    /// has.
    ///
    /// Example: rate 1, 10 of 110 steps to warm up, final fraction 0.1: 0.1 at step 1, 1 at step 10, 0.55 at
    /// step 60, 0.1 at step 110.
    ///
    /// Source: Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", eq. 5, one
    /// period.
    record Cosine(double rate, int warmupSteps, double finalFraction) implements Schedule {
        @Override
        public double at(int step, int steps) {
            if (step <= warmupSteps) {
                return rate * warmUp(step, warmupSteps);
            }
            double progress = Math.min(1, (double) (step - warmupSteps) / (steps - warmupSteps));
            return halfCosine(rate, rate * finalFraction, progress);
        }
    }

    /// From `rate / divFactor` up to `rate` in the first `pctStart` of the steps, then down to `rate /
    /// divFactor / finalDivFactor`, both along half a cosine. The momentum stays as it is.
    ///
    /// Source: Smith and Topin 2018, "Super-Convergence"; PyTorch's OneCycleLR with `anneal_strategy="cos"`
    /// and `cycle_momentum=False`, whose names and defaults (0.3, 25, 10 000) these are.
    record OneCycle(double rate, double pctStart, double divFactor, double finalDivFactor) implements Schedule {
        @Override
        public double at(int step, int steps) {
            double first = rate / divFactor;
            double top = pctStart * steps - 1;
            int index = Math.min(step, steps) - 1;
            if (index <= top) {
                return halfCosine(first, rate, top == 0 ? 1 : index / top);
            }
            double progress = steps - 1 == top ? 1 : (index - top) / (steps - 1 - top);
            return halfCosine(rate, first / finalDivFactor, progress);
        }
    }

    private static double warmUp(int step, int warmupSteps) {
        return step >= warmupSteps ? 1 : (double) step / warmupSteps;
    }

    private static double halfCosine(double from, double to, double progress) {
        return to + (from - to) / 2 * (1 + Math.cos(Math.PI * progress));
    }
}
