package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.data.Batch;
import io.github.mixtral4j.train.loss.Dpo;
import io.github.mixtral4j.train.model.PackedBatch;
import io.github.mixtral4j.train.model.StepLosses;
import io.github.mixtral4j.train.model.Trainable;
import java.util.List;
import java.util.OptionalDouble;

/// What the loss of a batch is, and what its gradient asks of the model.
sealed interface BatchLoss {
    /// What the losses of a step are divided by: tokens that count, or pairs.
    double weight(List<Batch> step);

    /// Adds the gradient of `scale · lossSum` and of the router's losses to the parameters.
    Losses train(Trainable model, Batch batch, double scale, double auxiliaryScale);

    /// The losses alone.
    Losses evaluate(Trainable model, Batch batch);

    /// Share of the pairs whose chosen reply is ahead, where there are pairs.
    OptionalDouble preferred(Losses losses);

    /// Losses of one or several batches.
    ///
    /// @param sum of tokens or pairs
    /// @param weight what it is to be divided by
    /// @param preferred pairs whose chosen reply is ahead
    /// @param loadBalancing sum over the batches
    /// @param routerZ sum over the batches
    record Losses(double sum, double weight, int preferred, double loadBalancing, double routerZ, int batches) {
        static final Losses NONE = new Losses(0, 0, 0, 0, 0, 0);

        Losses plus(Losses other) {
            return new Losses(
                    sum + other.sum,
                    weight + other.weight,
                    preferred + other.preferred,
                    loadBalancing + other.loadBalancing,
                    routerZ + other.routerZ,
                    batches + other.batches);
        }

        /// The mean loss of a token or a pair.
        double mean() {
            return sum / weight;
        }
    }

    /// Predicting the next token.
    record NextToken() implements BatchLoss {
        @Override
        public double weight(List<Batch> step) {
            double sum = 0;
            for (Batch batch : step) {
                for (float weight : batch.packed().weights()) {
                    sum += weight;
                }
            }
            return sum;
        }

        @Override
        public Losses train(Trainable model, Batch batch, double scale, double auxiliaryScale) {
            return losses(model.forwardBackward(batch.packed(), (float) scale, (float) auxiliaryScale));
        }

        @Override
        public Losses evaluate(Trainable model, Batch batch) {
            return losses(model.evaluate(batch.packed()));
        }

        @Override
        public OptionalDouble preferred(Losses losses) {
            return OptionalDouble.empty();
        }

        private static Losses losses(StepLosses losses) {
            return new Losses(losses.lossSum(), losses.weightSum(), 0, losses.loadBalancing(), losses.routerZ(), 1);
        }
    }

    /// Preferring one reply to another. The derivative of a pair's loss by the log-probability of a reply is
    /// a number, and with that number as the weight of the reply's tokens, the gradient is that of a
    /// next-token loss.
    record Preference(double beta, double labelSmoothing, Reference reference) implements BatchLoss {
        @Override
        public double weight(List<Batch> step) {
            return step.stream().mapToInt(batch -> batch.lines().length).sum();
        }

        @Override
        public Losses train(Trainable model, Batch batch, double scale, double auxiliaryScale) {
            PackedBatch packed = batch.packed();
            float[] weights = new float[packed.rows()];
            Losses losses = compare(model, batch, weights);
            StepLosses router = model.forwardBackward(
                    new PackedBatch(packed.tokens(), packed.positions(), packed.starts(), weights),
                    (float) scale,
                    (float) auxiliaryScale);
            return losses.plus(new Losses(0, 0, 0, router.loadBalancing(), router.routerZ(), 1));
        }

        @Override
        public Losses evaluate(Trainable model, Batch batch) {
            return compare(model, batch, new float[batch.packed().rows()]).plus(new Losses(0, 0, 0, 0, 0, 1));
        }

        @Override
        public OptionalDouble preferred(Losses losses) {
            return OptionalDouble.of(losses.preferred() / losses.weight());
        }

        /// The losses of the pairs; `weights` get the derivatives by `−log p` of every token.
        private Losses compare(Trainable model, Batch batch, float[] weights) {
            double[] replies = Reference.replies(model, batch);
            double sum = 0;
            int preferred = 0;
            for (int pair = 0; pair < batch.lines().length; pair++) {
                int line = batch.lines()[pair];
                Dpo dpo = Dpo.of(
                        replies[2 * pair],
                        replies[2 * pair + 1],
                        reference.chosen(line),
                        reference.rejected(line),
                        beta,
                        labelSmoothing);
                sum += dpo.loss();
                preferred += dpo.margin() > 0 ? 1 : 0;
                weigh(batch.packed(), 2 * pair, -dpo.chosenGradient(), weights);
                weigh(batch.packed(), 2 * pair + 1, dpo.chosenGradient(), weights);
            }
            return new Losses(sum, batch.lines().length, preferred, 0, 0, 0);
        }

        private static void weigh(PackedBatch packed, int sample, double weight, float[] weights) {
            for (int row = packed.starts()[sample]; row < packed.end(sample); row++) {
                weights[row] = (float) (weight * packed.weights()[row]);
            }
        }
    }
}
