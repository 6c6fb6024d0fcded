package io.github.mixtral4j.train.loop;

import java.nio.file.Path;
import java.util.Optional;

/// How a run ended.
///
/// @param end why
/// @param step steps taken, over all starts of the run
/// @param steps that the run was to take
/// @param last the last step of this start; empty if it took none
/// @param checkpoint where the state is; empty if there is none
public record Outcome(End end, int step, int steps, Optional<StepMetrics> last, Optional<Path> checkpoint) {
    /// Why a run ended.
    public enum End {
        /// All steps were taken.
        FINISHED,
        /// Evaluations stopped improving.
        STOPPED_EARLY,
        /// [Trainer#stop()] was called; the state is saved.
        INTERRUPTED
    }
}
