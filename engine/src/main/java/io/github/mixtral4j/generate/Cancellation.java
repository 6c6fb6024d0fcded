package io.github.mixtral4j.generate;

/// Handle on a submitted request.
public interface Cancellation {
    /// Asks the request to end. Returns at once; [FinishReason#CANCELLED] follows after at most one step of the model.
    /// May be called by any thread, again, and after the end.
    void cancel();
}
