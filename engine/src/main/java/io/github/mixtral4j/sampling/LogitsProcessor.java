package io.github.mixtral4j.sampling;

/// One step between the model's logits and the choice of a token: changes logits or drops candidates.
///
/// A processor may keep state about the text so far. It then belongs to one request, is called by one thread at a
/// time, and overrides [#accept(int)] and [#fork()].
public interface LogitsProcessor {
    /// Changes the candidates in place. There is at least one on entry; leaving none is an error that the [Sampler]
    /// reports.
    void process(Candidates candidates);

    /// Takes note of a token of the text: of the prompt first, then each token that was chosen.
    default void accept(int token) {}

    /// An independent copy with the same state, so that a branch of the text can go on by itself. Processors without
    /// state return themselves.
    default LogitsProcessor fork() {
        return this;
    }
}
