package io.github.mixtral4j.train.model;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.TrainingOps;
import io.github.mixtral4j.model.Adapter;
import io.github.mixtral4j.model.MixtralConfig;
import io.github.mixtral4j.model.MixtralWeights;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.train.loss.LoadBalancing;
import io.github.mixtral4j.train.loss.RouterZ;
import io.github.mixtral4j.train.op.Embedding;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The whole model with its backward pass: embedding, blocks, head, and the losses of the router.
///
/// Borrows its kernels, and the weights of a frozen base; owns its parameters and everything it computes.
public final class TrainableMixtral implements Trainable, AutoCloseable {
    private final Assembly parts;
    private final MixtralConfig config;
    private final TrainingOptions options;
    private final Kernels kernels;
    private final Embedding embedding;
    private final List<Block> blocks;
    private final Head head;
    private final LoadBalancing balance;
    private final RouterZ routerZ;
    /// The residual stream before each block, and after the last.
    private final List<Rows> stream = new ArrayList<>();
    private final List<Activations> activations = new ArrayList<>();
    private final Rows dStream;

    private TrainableMixtral(Assembly parts) {
        this.parts = parts;
        config = parts.config;
        options = parts.options;
        kernels = parts.kernels;
        embedding = parts.embedding();
        blocks = parts.blocks();
        head = new Head(
                kernels,
                parts.norm(ParameterNames.OUTPUT_NORM),
                parts.projection(ParameterNames.OUTPUT),
                options.maxRows(),
                config,
                parts.arena);
        balance = new LoadBalancing(kernels, config.numLayers(), config.numExperts(), options.perLayer());
        routerZ = new RouterZ(kernels, config.numLayers());
        int rows = options.maxRows();
        for (int i = 0; i <= config.numLayers(); i++) {
            stream.add(Rows.allocate(parts.arena, rows, config.hiddenSize()));
        }
        for (int i = 0; i < (options.recompute() ? 1 : config.numLayers()); i++) {
            activations.add(Activations.allocate(config, rows, parts.arena));
        }
        dStream = Rows.allocate(parts.arena, rows, config.hiddenSize());
        parametersChanged();
    }

    /// A model of random weights, all of them trained.
    public static TrainableMixtral random(Kernels kernels, MixtralConfig config, TrainingOptions options, long seed) {
        return new TrainableMixtral(Assembly.random(kernels, config, options, seed));
    }

    /// A model that goes on from these weights, all of them trained. They are copied.
    public static TrainableMixtral of(
            Kernels kernels, MixtralConfig config, TrainingOptions options, MixtralWeights weights) {
        return new TrainableMixtral(Assembly.of(kernels, config, options, weights));
    }

    /// A model of frozen weights, of any format, with low-rank updates that are trained.
    ///
    /// @param base borrowed: products read it
    public static TrainableMixtral adapted(
            Kernels kernels, MixtralConfig config, TrainingOptions options, MixtralWeights base, LoraOptions lora) {
        return new TrainableMixtral(Assembly.adapted(kernels, config, options, base, lora));
    }

    /// The architecture numbers.
    public MixtralConfig config() {
        return config;
    }

    @Override
    public List<Parameter> parameters() {
        return List.copyOf(parts.parameters);
    }

    @Override
    public void parametersChanged() {
        TrainingOps ops = kernels.training();
        ops.parallel(parts.copies.size(), (i, _) -> {
            Assembly.Copy copy = parts.copies.get(i);
            ops.toBfloat16(copy.parameter().value(), copy.data());
        });
    }

    @Override
    public StepLosses forwardBackward(PackedBatch batch, float scale, float auxiliaryScale) {
        parts.dropout.train(dropoutSeed(batch));
        forward(batch);
        Rows dx = dStream.withCount(batch.rows());
        dx.data().asSlice(0, dx.offset(batch.rows())).fill((byte) 0);
        head.lossAndGradient(batch, stream.getLast(), scale, dx);
        for (int layer = config.numLayers() - 1; layer >= 0; layer--) {
            backward(layer, batch, auxiliaryScale, dx);
        }
        embedding.backward(batch.tokens(), dx);
        return losses();
    }

    @Override
    public StepLosses evaluate(PackedBatch batch) {
        parts.dropout.evaluate();
        forward(batch);
        head.loss(batch, stream.getLast());
        return losses();
    }

    @Override
    public float[] logProbs(PackedBatch batch) {
        parts.dropout.evaluate();
        forward(batch);
        return head.logProbs(batch, stream.getLast());
    }

    /// [#logProbs] of the frozen base, with all updates left out: the reference of preference training.
    ///
    /// @throws IllegalStateException if the model has no frozen base
    public float[] baseLogProbs(PackedBatch batch) {
        if (parts.updates.isEmpty()) {
            throw new IllegalStateException("a model that is trained whole has no frozen base to compare with");
        }
        parts.dropout.leaveOut(true);
        try {
            return logProbs(batch);
        } finally {
            parts.dropout.leaveOut(false);
        }
    }

    @Override
    public long[][] expertLoad() {
        return balance.choices();
    }

    private StepLosses losses() {
        return new StepLosses(head.lossSum(), head.weightSum(), balance.loss(), routerZ.loss());
    }

    private void forward(PackedBatch batch) {
        check(batch);
        embedding.forward(batch.tokens(), stream.getFirst().withCount(batch.rows()));
        for (int layer = 0; layer < config.numLayers(); layer++) {
            forward(layer, batch);
            routerLosses(layer, activationsOf(layer));
        }
    }

    /// Both are sums over rows in their order: one thread for each.
    private void routerLosses(int layer, Activations a) {
        kernels.training().parallel(2, (loss, _) -> {
            if (loss == 0) {
                balance.set(layer, a.logits(), a.router().counts());
            } else {
                routerZ.set(layer, a.logits());
            }
        });
    }

    private void forward(int layer, PackedBatch batch) {
        Rows y = stream.get(layer + 1).withCount(batch.rows());
        blocks.get(layer).forward(stream.get(layer), batch.positions(), bounds(batch), activationsOf(layer), y);
    }

    private void backward(int layer, PackedBatch batch, float auxiliaryScale, Rows dx) {
        if (options.recompute() && layer < config.numLayers() - 1) {
            forward(layer, batch);
        }
        Block.RouterGradient ofRouter = (logits, dLogits) -> {
            balance.addGradient(layer, logits, auxiliaryScale * options.loadBalancing(), dLogits);
            routerZ.addGradient(logits, auxiliaryScale * options.routerZ(), dLogits);
        };
        blocks.get(layer)
                .backward(stream.get(layer), batch.positions(), bounds(batch), activationsOf(layer), ofRouter, dx);
    }

    private Activations activationsOf(int layer) {
        return activations.get(options.recompute() ? 0 : layer);
    }

    private static int[] bounds(PackedBatch batch) {
        int[] bounds = Arrays.copyOf(batch.starts(), batch.samples() + 1);
        bounds[batch.samples()] = batch.rows();
        return bounds;
    }

    private void check(PackedBatch batch) {
        if (batch.rows() > options.maxRows()) {
            throw new IllegalArgumentException(
                    "a batch of " + batch.rows() + " rows does not fit a model made for " + options.maxRows());
        }
        for (int token : batch.tokens()) {
            if (token < 0 || token >= config.vocabSize()) {
                throw new IllegalArgumentException(
                        "token id " + token + " is outside the vocabulary of " + config.vocabSize());
            }
        }
    }

    /// Masks follow from the batch and from the parameters, so that they change with every step and a resumed training
    /// draws the same ones without having kept anything.
    private long dropoutSeed(PackedBatch batch) {
        if (parts.updates.isEmpty()) {
            return 0;
        }
        double norm = kernels.training().squaredNorm(parts.parameters.getLast().value());
        return options.seed() + 31 * (Arrays.hashCode(batch.tokens()) + 31 * Double.doubleToLongBits(norm));
    }

    /// The weights as they are now, for a forward pass or a file: views of the parameters in float32, or the frozen
    /// base. Valid until the model is closed.
    public MixtralWeights weights() {
        return parts.weights();
    }

    /// The low-rank updates as they are now: views of the parameters, valid until the model is closed. Empty if the
    /// model is trained whole.
    public Adapter adapter(String name) {
        return new Adapter(name, parts.changes());
    }

    @Override
    public void close() {
        parts.arena.close();
    }
}
