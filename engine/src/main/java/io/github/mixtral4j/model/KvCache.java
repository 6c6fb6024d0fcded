package io.github.mixtral4j.model;

import io.github.mixtral4j.kernel.PagedKv;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.random.RandomGenerator;

/// Keys and values of past tokens, for any number of sequences, in pages of [PagedKv#PAGE_TOKENS] tokens.
///
/// Pages hold all layers, are allocated from the operating system when first needed, and return to a pool when a
/// sequence ends: closing memory that threads share is costly. One loop owns a cache: calls are not synchronized,
/// while workers read pages of the step in progress.
public final class KvCache implements PagedKv, AutoCloseable {
    /// Whole pages whose tokens can be counted in an `int`.
    private static final int MAX_TOKENS = Integer.MAX_VALUE / PAGE_TOKENS * PAGE_TOKENS;

    private final MixtralConfig config;
    private final DType type;
    private final int maxPages;
    private final KvWriter writer;
    private final Arena arena = Arena.ofShared();
    private final Deque<MemorySegment> freePages = new ArrayDeque<>();
    private final List<Sequence> sequences = new ArrayList<>();
    private final ArrayDeque<Integer> freeHandles = new ArrayDeque<>();
    private int usedPages;

    private static final class Sequence {
        final List<MemorySegment> pages = new ArrayList<>();
        int length;
        boolean open = true;
    }

    private KvCache(MixtralConfig config, int maxPages, DType type) {
        this.config = config;
        this.maxPages = maxPages;
        this.type = type;
        writer = new KvWriter(type, config.headDim());
    }

    /// A cache for `capacityTokens` tokens over all sequences, rounded up to whole pages. Memory is taken as it fills.
    ///
    /// @param type F16 (as usual), F32 or Q8_0
    /// @throws IllegalArgumentException if keys and values of this model cannot be cached in this
    ///     format, or the capacity is beyond all measure
    public static KvCache allocate(MixtralConfig config, int capacityTokens, DType type) {
        if (capacityTokens < 1) {
            throw new IllegalArgumentException("the cache needs room for at least 1 token, got " + capacityTokens);
        }
        if (capacityTokens > MAX_TOKENS) {
            throw new IllegalArgumentException("the cache has room for at most " + MAX_TOKENS + " tokens, got "
                    + capacityTokens + "; ask for a shorter context (--context)");
        }
        requireFits(config, type);
        return new KvCache(config, Math.ceilDiv(capacityTokens, PAGE_TOKENS), type);
    }

    /// Bytes that one token takes, over all layers.
    ///
    /// @throws IllegalArgumentException as [#allocate] does
    public static long bytesPerToken(MixtralConfig config, DType type) {
        requireFits(config, type);
        return type.bytes(2L * config.numLayers() * config.kvWidth());
    }

    private static void requireFits(MixtralConfig config, DType type) {
        if (type != DType.F16 && type != DType.F32 && type != DType.Q8_0) {
            throw new IllegalArgumentException("keys and values are cached as F16, F32 or Q8_0, got " + type);
        }
        if (config.headDim() % type.blockElements() != 0) {
            throw new IllegalArgumentException("a key/value cache in " + type + " needs heads of a multiple of "
                    + type.blockElements() + " elements, those of this model have " + config.headDim()
                    + "; use F16 (--kv-type f16)");
        }
    }

    /// Starts an empty sequence.
    ///
    /// @return its handle, for [Batch#sequences()]
    public int openSequence() {
        Integer free = freeHandles.poll();
        if (free != null) {
            sequences.set(free, new Sequence());
            return free;
        }
        sequences.add(new Sequence());
        return sequences.size() - 1;
    }

    /// Ends a sequence and returns its pages to the pool.
    public void closeSequence(int handle) {
        Sequence sequence = sequence(handle);
        truncate(handle, 0);
        sequence.open = false;
        freeHandles.add(handle);
    }

    /// Tokens cached of a sequence.
    public int length(int handle) {
        return sequence(handle).length;
    }

    /// Forgets the tokens of a sequence from position `length` on.
    public void truncate(int handle, int length) {
        Sequence sequence = sequence(handle);
        if (length < 0 || length > sequence.length) {
            throw new IllegalArgumentException(
                    "a sequence of " + sequence.length + " tokens cannot be cut to " + length);
        }
        sequence.length = length;
        int pages = Math.ceilDiv(length, PAGE_TOKENS);
        while (sequence.pages.size() > pages) {
            freePages.push(sequence.pages.removeLast());
            usedPages--;
        }
    }

    /// Tokens that fit over all sequences.
    public int capacityTokens() {
        return maxPages * PAGE_TOKENS;
    }

    /// Makes room for the rows of a batch and counts them as cached.
    ///
    /// @throws IllegalArgumentException if a position is not the next of its sequence
    /// @throws IllegalStateException if the cache is full; the cache is then unchanged
    void extend(Batch batch) {
        int done = 0;
        try {
            for (; done < batch.size(); done++) {
                Sequence sequence = sequence(batch.sequences()[done]);
                if (batch.positions()[done] != sequence.length) {
                    throw new IllegalArgumentException("row " + done + " has position " + batch.positions()[done]
                            + ", but the cache holds " + sequence.length + " tokens of its sequence");
                }
                if (sequence.length == sequence.pages.size() * PAGE_TOKENS) {
                    sequence.pages.add(takePage());
                    usedPages++;
                }
                sequence.length++;
            }
        } catch (RuntimeException | Error e) { // memory for a page may be missing
            while (--done >= 0) {
                truncate(batch.sequences()[done], batch.positions()[done]);
            }
            throw e;
        }
    }

    private MemorySegment takePage() {
        if (usedPages == maxPages) {
            throw new IllegalStateException("the key/value cache of " + capacityTokens()
                    + " tokens is full; ask for a longer context or end a sequence");
        }
        MemorySegment free = freePages.poll();
        if (free != null) {
            return free;
        }
        return arena.allocate(pageBytes(), 64);
    }

    private long pageBytes() {
        return bytesPerToken(config, type) * PAGE_TOKENS;
    }

    /// Stores the key and value of batch rows, each at its position. Keys are already rotated.
    void store(int layer, Batch batch, Rows keys, Rows values) {
        int end;
        for (int row = 0; row < batch.size(); row = end) {
            int sequence = batch.sequences()[row];
            int slot = batch.positions()[row] % PAGE_TOKENS;
            // Rows of a sequence that stand together have consecutive positions.
            end = row + 1;
            while (end < batch.size() && batch.sequences()[end] == sequence && slot + end - row < PAGE_TOKENS) {
                end++;
            }
            store(layer, keys, values, row, end - row, page(sequence, batch.positions()[row] / PAGE_TOKENS), slot);
        }
    }

    /// Appends tokens with random keys and values to a sequence, so that a long context can be measured
    /// without computing it: how long attention takes does not depend on what it reads.
    ///
    /// @throws IllegalStateException if the cache is full; it then holds some of the tokens
    public void appendRandom(int handle, int tokens, RandomGenerator random) {
        try (Arena memory = Arena.ofConfined()) {
            Rows keys = Rows.allocate(memory, PAGE_TOKENS, config.kvWidth());
            Rows values = Rows.allocate(memory, PAGE_TOKENS, config.kvWidth());
            int count;
            for (int done = 0; done < tokens; done += count) {
                count = Math.min(PAGE_TOKENS, tokens - done);
                Batch batch = Batch.ofSequence(handle, length(handle), new int[count], 0, count, new int[0]);
                extend(batch);
                for (int layer = 0; layer < config.numLayers(); layer++) {
                    fill(keys, random);
                    fill(values, random);
                    store(layer, batch, keys, values);
                }
            }
        }
    }

    private static void fill(Rows rows, RandomGenerator random) {
        for (int row = 0; row < rows.count(); row++) {
            for (int i = 0; i < rows.cols(); i++) {
                rows.set(row, i, random.nextFloat(-1, 1));
            }
        }
    }

    /// Stores rows of consecutive tokens of a page.
    private void store(int layer, Rows keys, Rows values, int row, int count, MemorySegment page, int slot) {
        for (int head = 0; head < config.numKvHeads(); head++) {
            int col = head * config.headDim();
            writer.keys(keys, row, count, col, page, keyOffset(layer, head), slot);
            writer.values(values, row, count, col, page, valueOffset(layer, head), slot);
        }
    }

    private Sequence sequence(int handle) {
        if (handle < 0 || handle >= sequences.size() || !sequences.get(handle).open) {
            throw new IllegalArgumentException("no open sequence " + handle);
        }
        return sequences.get(handle);
    }

    @Override
    public DType type() {
        return type;
    }

    @Override
    public int numHeads() {
        return config.numHeads();
    }

    @Override
    public int numKvHeads() {
        return config.numKvHeads();
    }

    @Override
    public int headDim() {
        return config.headDim();
    }

    @Override
    public MemorySegment page(int sequence, int index) {
        return sequences.get(sequence).pages.get(index);
    }

    @Override
    public long keyOffset(int layer, int kvHead) {
        return (2L * layer * config.numKvHeads() + kvHead) * type.bytes((long) PAGE_TOKENS * config.headDim());
    }

    @Override
    public long valueOffset(int layer, int kvHead) {
        return keyOffset(layer, config.numKvHeads() + kvHead);
    }

    /// Frees all pages.
    @Override
    public void close() {
        arena.close();
    }
}
