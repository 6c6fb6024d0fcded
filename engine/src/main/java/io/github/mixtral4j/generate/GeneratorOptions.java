package io.github.mixtral4j.generate;

import io.github.mixtral4j.tensor.DType;

/// Sizes of a [LocalGenerator]. Start with [#of(int)].
///
/// @param contextLength most tokens of prompt and completion together
/// @param cacheTokens positions in the KV cache, for all requests together and for the conversations kept for reuse; at
///     least `contextLength`
/// @param cacheType format of the KV cache: F16, F32 or Q8_0
/// @param maxBatchRows most rows in one step of the model: the longest piece of a prompt computed at once. A longer
///     one makes the prefill faster, and cancellation and the other requests' tokens later
/// @param maxRunning most requests in one step, at most `maxBatchRows`
/// @param maxWaiting most requests that wait for their turn
public record GeneratorOptions(
        int contextLength, int cacheTokens, DType cacheType, int maxBatchRows, int maxRunning, int maxWaiting) {

    /// @throws IllegalArgumentException naming what is out of range
    public GeneratorOptions {
        require(contextLength >= 2, "contextLength must be >= 2, got " + contextLength);
        require(
                cacheTokens >= contextLength,
                "cacheTokens must be >= contextLength (" + contextLength + "), got " + cacheTokens);
        require(maxRunning >= 1, "maxRunning must be >= 1, got " + maxRunning);
        require(
                maxBatchRows >= maxRunning,
                "maxBatchRows must be >= maxRunning (" + maxRunning + "), got " + maxBatchRows);
        require(maxWaiting >= 1, "maxWaiting must be >= 1, got " + maxWaiting);
    }

    /// One context's worth of F16 cache, steps of at most 512 rows and 8 requests, 256 requests waiting.
    public static GeneratorOptions of(int contextLength) {
        return new GeneratorOptions(contextLength, contextLength, DType.F16, 512, 8, 256);
    }

    /// The same with another size of the cache.
    public GeneratorOptions withCacheTokens(int tokens) {
        return new GeneratorOptions(contextLength, tokens, cacheType, maxBatchRows, maxRunning, maxWaiting);
    }

    /// The same with another element type of the cache.
    public GeneratorOptions withCacheType(DType type) {
        return new GeneratorOptions(contextLength, cacheTokens, type, maxBatchRows, maxRunning, maxWaiting);
    }

    /// The same with another longest step.
    public GeneratorOptions withMaxBatchRows(int rows) {
        return new GeneratorOptions(contextLength, cacheTokens, cacheType, rows, maxRunning, maxWaiting);
    }

    /// The same with another number of requests in one step.
    public GeneratorOptions withMaxRunning(int requests) {
        return new GeneratorOptions(contextLength, cacheTokens, cacheType, maxBatchRows, requests, maxWaiting);
    }

    /// The same with another number of requests that may wait.
    public GeneratorOptions withMaxWaiting(int requests) {
        return new GeneratorOptions(contextLength, cacheTokens, cacheType, maxBatchRows, maxRunning, requests);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
