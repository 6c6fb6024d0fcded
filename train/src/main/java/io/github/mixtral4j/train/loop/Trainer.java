package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.train.TrainException;
import io.github.mixtral4j.train.data.Batch;
import io.github.mixtral4j.train.data.BatchStream;
import io.github.mixtral4j.train.data.BatchStream.Position;
import io.github.mixtral4j.train.data.Dataset;
import io.github.mixtral4j.train.loop.BatchLoss.Losses;
import io.github.mixtral4j.train.loop.Outcome.End;
import io.github.mixtral4j.train.loop.StepMetrics.Evaluated;
import io.github.mixtral4j.train.loop.TrainConfig.Length;
import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.model.Trainable;
import io.github.mixtral4j.train.optim.AdamW;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Runs a training from its config: steps, evaluations, checkpoints, metrics, report. The same config, data
/// and model give the same losses, however often the run is interrupted and resumed.
///
/// ```
/// try (RunFolder folder = RunFolder.open(config, resume)) {
///     Outcome outcome = new Trainer(config, model, data, folder, kernels, observer).run();
/// }
/// ```
public final class Trainer {
    private final TrainConfig config;
    private final Trainable model;
    private final Dataset data;
    private final RunFolder folder;
    private final Kernels kernels;
    private final TrainObserver observer;
    private final List<Parameter> parameters;
    private volatile boolean stopped;

    /// Prepares a run.
    ///
    /// @param model as it is before its first step, also when the run is resumed
    /// @param folder where the run writes; borrowed
    /// @param kernels what the optimizer computes with; borrowed
    public Trainer(
            TrainConfig config,
            Trainable model,
            Dataset data,
            RunFolder folder,
            Kernels kernels,
            TrainObserver observer) {
        this.config = config;
        this.model = model;
        this.data = data;
        this.folder = folder;
        this.kernels = kernels;
        this.observer = observer;
        this.parameters = model.parameters();
    }

    /// Ends the run after the current step, with its state saved. Any thread may call it.
    public void stop() {
        stopped = true;
    }

    /// Runs to the end, from the last checkpoint if there is one.
    ///
    /// @throws TrainException if the loss stops being a number, or the checkpoint belongs to another config
    ///     or model
    /// @throws IOException if something cannot be read or written; the last checkpoint is whole
    public Outcome run() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            AdamW optimizer = new AdamW(parameters, config.optimizer().settings(), kernels.training(), arena);
            int steps = steps();
            Optional<BatchLoss> loss = loss();
            if (loss.isEmpty()) {
                return new Outcome(End.INTERRUPTED, 0, steps, Optional.empty(), Optional.empty());
            }
            RunSettings settings = RunSettings.of(config, data);
            Optional<Path> checkpoint = folder.checkpoints().latest();
            RunState state = RunState.start(settings.values());
            if (checkpoint.isPresent()) {
                state = StateFiles.read(checkpoint.get(), parameters, optimizer);
                settings.requireSame(state.settings(), checkpoint.get()).forEach(observer::message);
                state = withReachableBest(state).with(settings.values());
                model.parametersChanged();
                observer.message("going on after step " + state.step() + " from " + checkpoint.get());
            }
            try (MetricsFile metrics = MetricsFile.open(folder.metrics(), state.step())) {
                return new Run(optimizer, loss.get(), steps, metrics, state).toTheEnd();
            } catch (IOException e) {
                throw new IOException(e.getMessage() + ". Training stopped; " + lastState(), e);
            }
        }
    }

    /// Without patience the checkpoint of the best evaluation may be gone: then the best is sought from
    /// here on.
    private RunState withReachableBest(RunState state) {
        boolean isReachable = Files.isDirectory(folder.checkpoints().of(state.bestStep()));
        return config.evaluation().patience().isEmpty() || isReachable ? state : state.withoutBest();
    }

    private String lastState() throws IOException {
        return folder.checkpoints()
                .latest()
                .map(path -> "the last good state is " + path)
                .orElse("no state has been saved yet");
    }

    private int steps() {
        return switch (config.length()) {
            case Length.Steps(int count) -> count;
            case Length.Epochs(int count) ->
                Math.ceilDiv(BatchStream.train(data, count, Position.START).count(), config.accumulation());
        };
    }

    /// The loss to train with; empty if the run was told to stop before it was known.
    private Optional<BatchLoss> loss() throws IOException {
        return switch (config.objective()) {
            case TrainConfig.Objective.NextToken _ -> Optional.of(new BatchLoss.NextToken());
            case TrainConfig.Objective.Preference(double beta, double smoothing) ->
                Reference.open(folder, model, data, observer, () -> stopped)
                        .map(reference -> new BatchLoss.Preference(beta, smoothing, reference));
        };
    }

    /// One start of a run.
    private final class Run {
        private final AdamW optimizer;
        private final BatchLoss loss;
        private final int steps;
        private final MetricsFile metrics;
        private final BatchStream stream;
        private RunState state;
        private final StateKeeper keeper;
        private Optional<StepMetrics> last = Optional.empty();

        Run(AdamW optimizer, BatchLoss loss, int steps, MetricsFile metrics, RunState state) {
            this.optimizer = optimizer;
            this.loss = loss;
            this.steps = steps;
            this.metrics = metrics;
            this.state = state;
            this.keeper = new StateKeeper(
                    folder.checkpoints(),
                    config.evaluation().patience().isPresent(),
                    parameters,
                    optimizer,
                    state.step());
            int epochs = config.length() instanceof Length.Epochs(int count) ? count : Integer.MAX_VALUE;
            this.stream = BatchStream.train(data, epochs, state.position());
        }

        Outcome toTheEnd() throws IOException {
            End end = End.FINISHED;
            if (state.step() == 0 && data.evalSummary().samples() > 0) {
                before(evaluate());
            }
            while (state.step() < steps) {
                if (stopped) {
                    end = End.INTERRUPTED;
                    break;
                }
                if (isHopeless()) {
                    end = End.STOPPED_EARLY;
                    break;
                }
                StepMetrics step = step();
                int every = config.evaluation().every();
                boolean isLast = state.step() == steps;
                // Also when the run is told to stop: nobody would come back to the evaluation of this step.
                if (data.evalSummary().samples() > 0 && (isLast || every > 0 && state.step() % every == 0)) {
                    Evaluated evaluated = evaluate();
                    state = state.evaluated(evaluated.loss());
                    step = step.with(evaluated);
                }
                metrics.add(step);
                last = Optional.of(step);
                observer.step(step, steps);
                boolean isBest = config.evaluation().patience().isPresent() && state.bestStep() == state.step();
                if (isLast || isBest || state.step() % config.checkpoints().every() == 0) {
                    save();
                }
            }
            save();
            if (end != End.INTERRUPTED) {
                keeper.prune(state);
                takeBest();
            }
            return new Outcome(end, state.step(), steps, last, keeper.saved());
        }

        /// What the model is like before it learns: an evaluation that is no step's.
        private void before(Evaluated evaluated) throws IOException {
            metrics.addStart(evaluated);
            observer.message("before the first step: " + evaluated.text());
        }

        private boolean isHopeless() {
            OptionalInt patience = config.evaluation().patience();
            return patience.isPresent() && state.evaluationsSinceBest() >= patience.getAsInt();
        }

        private StepMetrics step() throws IOException {
            long start = System.nanoTime();
            List<Batch> batches = new ArrayList<>();
            for (int i = 0; i < config.accumulation(); i++) {
                stream.next().ifPresent(batches::add);
            }
            double weight = loss.weight(batches);
            Losses losses = Losses.NONE;
            long[][] load = ExpertLoad.NONE;
            int rows = 0;
            for (Batch batch : batches) {
                // A batch may hold nothing that counts, if the weights of its samples are cut away; 0 / 0 is no step.
                losses = losses.plus(loss.train(model, batch, weight == 0 ? 0 : 1 / weight, 1.0 / batches.size()));
                load = ExpertLoad.sum(load, model.expertLoad());
                rows += batch.packed().rows();
            }
            double norm = optimizer.gradientNorm();
            requireFinite(losses.sum(), state.step() + 1, "the loss");
            requireFinite(norm, state.step() + 1, "the length of the gradient");
            keeper.proven(state);
            double clip = config.optimizer().clipNorm();
            double rate = config.schedule().at(state.step() + 1, steps);
            optimizer.step(rate, clip > 0 && norm > clip ? clip / norm : 1);
            model.parametersChanged();
            double seconds = (System.nanoTime() - start) / 1e9;
            state = state.after(stream.position(), rows, seconds);
            return new StepMetrics(
                    state.step(),
                    stream.epochs(),
                    weight == 0 ? 0 : losses.mean(),
                    losses.loadBalancing() / batches.size(),
                    losses.routerZ() / batches.size(),
                    loss.preferred(losses),
                    rate,
                    norm,
                    state.tokens(),
                    rows / seconds,
                    state.seconds(),
                    load,
                    Optional.empty());
        }

        private Evaluated evaluate() throws IOException {
            BatchStream eval = BatchStream.eval(data, config.data().evalSamples());
            Losses losses = Losses.NONE;
            for (Optional<Batch> batch = eval.next(); batch.isPresent(); batch = eval.next()) {
                losses = losses.plus(loss.evaluate(model, batch.get()));
            }
            requireFinite(losses.mean(), state.step(), "the loss of the evaluation");
            return new Evaluated(losses.mean(), loss.preferred(losses));
        }

        /// Parameters that give no number are no state to go on from: the run ends with the one before.
        private void requireFinite(double value, int step, String what) throws IOException {
            if (Double.isFinite(value)) {
                return;
            }
            folder.checkpoints().reject(state.step());
            report();
            throw new TrainException(
                    "step " + step + ": " + what + " is " + value + ". Training stopped; " + lastState()
                            + ". A lower optimizer.learning_rate, a longer warm-up or a smaller optimizer.clip_norm may help");
        }

        private void save() throws IOException {
            keeper.save(state);
            report();
        }

        private void report() throws IOException {
            Report.write(
                    folder.metrics(),
                    folder.report(),
                    config.file().getFileName().toString(),
                    steps);
        }

        private void takeBest() throws IOException {
            if (config.evaluation().patience().isEmpty() || state.bestStep() == 0) {
                return;
            }
            observer.message("the parameters are those of step " + state.bestStep() + ", the best evaluation");
            if (state.bestStep() != state.step()) {
                keeper.readBest(state);
                model.parametersChanged();
            }
        }
    }
}
