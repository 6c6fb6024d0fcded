package io.github.mixtral4j.train.loop;

/// Follows a run. Called on the thread that trains.
public interface TrainObserver {
    /// Something happened that a person wants to know.
    void message(String text);

    /// A step was taken.
    ///
    /// @param steps of the whole run
    void step(StepMetrics metrics, int steps);

    /// The reference of DPO is being computed.
    default void reference(int pairs, int total) {}
}
