package io.github.mixtral4j.generate;

import io.github.mixtral4j.model.Batch;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/// A model whose logits are a function of all tokens of the sequence, and a cache that checks how it is used.
///
/// A wrong token or position anywhere changes everything after it, so that equal texts mean equal contexts.
final class FakeModel implements ModelRunner {
    static final int PAGE_TOKENS = 4;

    private final int cacheTokens;
    private final Map<Integer, int[]> sequences = new HashMap<>();
    private final List<float[]> logits = new ArrayList<>();
    private int nextSequence;
    private final AtomicInteger closes = new AtomicInteger();

    /// Permits to run a step; plenty unless a test takes them.
    final Semaphore steps = new Semaphore(Integer.MAX_VALUE);
    /// Every batch so far.
    final List<Batch> batches = Collections.synchronizedList(new ArrayList<>());
    /// The likeliest next token after these; by default it follows from a hash of them.
    volatile ToIntFunction<int[]> next = FakeModel::hashed;
    /// Thrown by the next forward.
    volatile @Nullable RuntimeException failure;

    FakeModel(int cacheTokens) {
        this.cacheTokens = cacheTokens;
    }

    /// A letter that depends on all tokens.
    static int hashed(int[] tokens) {
        return TestVocabulary.id("a") + Math.floorMod(Arrays.hashCode(tokens) * 0x9E3779B1, 26 << 8) / 256;
    }

    /// Answers a prompt of `promptLength` tokens with these.
    static ToIntFunction<int[]> script(int promptLength, int... answer) {
        return tokens -> answer[tokens.length - promptLength];
    }

    @Override
    public void forward(Batch batch) {
        steps.acquireUninterruptibly();
        batches.add(batch);
        RuntimeException thrown = failure;
        if (thrown != null) {
            failure = null;
            throw thrown;
        }
        logits.clear();
        int nextLogitRow = 0;
        for (int row = 0; row < batch.size(); row++) {
            int[] tokens = append(batch, row);
            int[] rows = batch.logitRows();
            if (nextLogitRow < rows.length && rows[nextLogitRow] == row) {
                nextLogitRow++;
                logits.add(logitsAfter(tokens));
            }
        }
        int used = sequences.values().stream()
                .mapToInt(t -> Math.ceilDiv(t.length, PAGE_TOKENS) * PAGE_TOKENS)
                .sum();
        check(used <= cacheTokens, "the cache holds " + cacheTokens + ", in use " + used);
    }

    private int[] append(Batch batch, int row) {
        int sequence = batch.sequences()[row];
        int[] tokens = tokens(sequence);
        check(tokens.length == batch.positions()[row], "position " + batch.positions()[row] + " of " + tokens.length);
        tokens = Arrays.copyOf(tokens, tokens.length + 1);
        tokens[tokens.length - 1] = batch.tokens()[row];
        sequences.put(sequence, tokens);
        return tokens;
    }

    private float[] logitsAfter(int[] tokens) {
        var random = new Random(Arrays.hashCode(tokens));
        float[] row = new float[TestVocabulary.SIZE];
        for (int i = 0; i < row.length; i++) {
            row[i] = (float) random.nextGaussian();
        }
        int best = next.applyAsInt(tokens);
        if (best < 0) {
            row[7] = Float.NaN;
        } else {
            row[best] = 6;
        }
        return row;
    }

    private int[] tokens(int sequence) {
        return Objects.requireNonNull(sequences.get(sequence), () -> "sequence " + sequence + " is not open");
    }

    private static void check(boolean holds, String message) {
        if (!holds) {
            throw new AssertionError(message);
        }
    }

    @Override
    public MemorySegment logits(int index) {
        return MemorySegment.ofArray(logits.get(index)).asReadOnly();
    }

    @Override
    public int vocabSize() {
        return TestVocabulary.SIZE;
    }

    @Override
    public int cacheTokens() {
        return cacheTokens;
    }

    @Override
    public int pageTokens() {
        return PAGE_TOKENS;
    }

    @Override
    public int openSequence() {
        sequences.put(nextSequence, new int[0]);
        return nextSequence++;
    }

    @Override
    public void closeSequence(int sequence) {
        check(sequences.remove(sequence) != null, "sequence " + sequence + " is not open");
    }

    @Override
    public void truncate(int sequence, int length) {
        check(length <= tokens(sequence).length, "truncated to more than there is");
        sequences.put(sequence, Arrays.copyOf(tokens(sequence), length));
    }

    @Override
    public void close() {
        closes.incrementAndGet();
    }

    int closes() {
        return closes.get();
    }

    /// Token lists of the open sequences.
    List<List<Integer>> contents() {
        return sequences.values().stream()
                .map(t -> Arrays.stream(t).boxed().toList())
                .toList();
    }
}
