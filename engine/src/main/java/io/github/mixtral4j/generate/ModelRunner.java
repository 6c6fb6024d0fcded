package io.github.mixtral4j.generate;

import io.github.mixtral4j.model.Batch;
import io.github.mixtral4j.model.KvCache;
import io.github.mixtral4j.model.Mixtral;
import io.github.mixtral4j.model.Workspace;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;

/// A model with the cache and the workspace it runs in: what the loop needs of them, and no more.
interface ModelRunner extends AutoCloseable {
    /// Appends the rows to their sequences and computes the logits of the batch's logit rows.
    void forward(Batch batch);

    /// Logits of the batch's `index`-th logit row, one float per token of the vocabulary; valid until the next forward.
    MemorySegment logits(int index);

    /// Floats in a row of logits.
    int vocabSize();

    /// Positions that fit into the cache.
    int cacheTokens();

    /// Positions in a page of the cache: a sequence takes room in whole pages.
    int pageTokens();

    /// Starts an empty sequence in the cache.
    int openSequence();

    /// Frees a sequence.
    void closeSequence(int sequence);

    /// Cuts a sequence down to its first `length` positions.
    void truncate(int sequence, int length);

    @Override
    void close();

    /// A runner of a model in this process with a cache and a workspace of its own, which it closes; the model stays
    /// the caller's.
    static ModelRunner allocate(Mixtral model, int cacheTokens, DType cacheType, int maxRows, int maxLogitRows) {
        KvCache cache = KvCache.allocate(model.config(), cacheTokens, cacheType);
        try {
            return of(model, cache, Workspace.allocate(model.config(), maxRows, maxLogitRows));
        } catch (RuntimeException | Error e) {
            cache.close();
            throw e;
        }
    }

    private static ModelRunner of(Mixtral model, KvCache cache, Workspace work) {
        return new ModelRunner() {
            @Override
            public void forward(Batch batch) {
                model.forward(batch, cache, work);
            }

            @Override
            public MemorySegment logits(int index) {
                Rows logits = work.logits();
                return logits.data()
                        .asSlice(logits.offset(index), (long) logits.cols() * Float.BYTES)
                        .asReadOnly();
            }

            @Override
            public int vocabSize() {
                return model.config().vocabSize();
            }

            @Override
            public int cacheTokens() {
                return cache.capacityTokens();
            }

            @Override
            public int pageTokens() {
                return KvCache.PAGE_TOKENS;
            }

            @Override
            public int openSequence() {
                return cache.openSequence();
            }

            @Override
            public void closeSequence(int sequence) {
                cache.closeSequence(sequence);
            }

            @Override
            public void truncate(int sequence, int length) {
                cache.truncate(sequence, length);
            }

            @Override
            public void close() {
                try (cache;
                        work) {
                    // Only to close both, even if one of them fails.
                }
            }
        };
    }
}
