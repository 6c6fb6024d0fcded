package io.github.mixtral4j.train.loop;

import io.github.mixtral4j.train.model.Parameter;
import io.github.mixtral4j.train.optim.AdamW;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Saves the states of a run and decides which of them stay: the last ones, and the best if the run ends
/// with it.
final class StateKeeper {
    private final Checkpoints checkpoints;
    private final boolean keepsBest;
    private final List<Parameter> parameters;
    private final AdamW optimizer;
    private int savedStep;
    private boolean isProven;

    /// @param keepsBest whether the state of the best evaluation stays
    /// @param savedStep that the run goes on from, or 0
    StateKeeper(
            Checkpoints checkpoints, boolean keepsBest, List<Parameter> parameters, AdamW optimizer, int savedStep) {
        this.checkpoints = checkpoints;
        this.keepsBest = keepsBest;
        this.parameters = parameters;
        this.optimizer = optimizer;
        this.savedStep = savedStep;
    }

    /// Saves a state, unless it is saved.
    void save(RunState state) throws IOException {
        if (savedStep != state.step()) {
            checkpoints.save(state, parameters, optimizer);
            savedStep = state.step();
            isProven = false;
        }
    }

    /// Says that the saved state has given a step with numbers. Until then the one before it stays: this
    /// one may have to be rejected.
    void proven(RunState state) throws IOException {
        if (!isProven) {
            isProven = true;
            prune(state);
        }
    }

    /// Removes what is too many.
    void prune(RunState state) throws IOException {
        checkpoints.prune(keepsBest ? state.bestStep() : 0);
    }

    /// Reads the parameters of the best evaluation.
    void readBest(RunState state) throws IOException {
        StateFiles.read(checkpoints.of(state.bestStep()), parameters, optimizer);
    }

    /// The checkpoint saved last.
    Optional<Path> saved() {
        return savedStep == 0 ? Optional.empty() : Optional.of(checkpoints.of(savedStep));
    }
}
