package io.github.mixtral4j.generate;

/// What a request took. Times are wall-clock time; other requests may have run in the same steps.
///
/// @param promptTokens tokens of the prompt
/// @param cachedTokens those of them that an earlier request had left in the cache
/// @param completionTokens tokens sampled, the one that stopped the completion included
/// @param prefillSeconds from the start of the prefill to the first token
/// @param decodeSeconds from the first token to the end
/// @param timeToFirstTokenSeconds from submission to the first token, waiting included; 0 if there was none
public record Usage(
        int promptTokens,
        int cachedTokens,
        int completionTokens,
        double prefillSeconds,
        double decodeSeconds,
        double timeToFirstTokenSeconds) {

    /// Prompt tokens computed per second; 0 when there is nothing to measure.
    public double prefillTokensPerSecond() {
        return rate(promptTokens - cachedTokens, prefillSeconds);
    }

    /// Tokens per second after the first one, which belongs to the prefill; 0 when there is nothing to measure.
    public double decodeTokensPerSecond() {
        return rate(completionTokens - 1, decodeSeconds);
    }

    private static double rate(int tokens, double seconds) {
        return tokens > 0 && seconds > 0 ? tokens / seconds : 0;
    }
}
