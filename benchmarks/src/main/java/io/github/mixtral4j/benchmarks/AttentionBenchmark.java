package io.github.mixtral4j.benchmarks;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.kernel.PagedKv;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// Attention of one layer of 8x22B: 48 query heads, 8 key and value heads of 128. The last rows of a sequence of
/// `context`
/// tokens attend to all before them.
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@OutputTimeUnit(TimeUnit.SECONDS)
// JMH calls setUp before anything else.
@SuppressWarnings("NullAway.Init")
public class AttentionBenchmark {
    private static final int HEADS = 48;
    private static final int HEAD_DIM = 128;

    /// Tokens of the sequence.
    @Param({"512", "4096", "16384"})
    public int context;

    /// Format of the cache: F16, F32 or Q8_0.
    @Param("F16")
    public DType kvType;

    /// Rows computed at once: decode and prefill.
    @Param({"1", "128"})
    public int rows;

    /// Threads of the kernels.
    @Param("1")
    public int threads;

    private Twins twins;
    private PagedKv kv;
    private Rows queries;
    private Rows result;
    private int[] positions;
    private int[] sequences;

    /// Makes the data and compares the twins on it.
    @Setup(Level.Trial)
    public void setUp() {
        twins = new Twins(threads);
        kv = Cache.of(twins, kvType, context);
        queries = twins.activations(rows, HEADS * HEAD_DIM);
        result = twins.rows(rows, HEADS * HEAD_DIM);
        positions = IntStream.range(context - rows, context).toArray();
        sequences = new int[rows];

        Rows expected = twins.rows(rows, HEADS * HEAD_DIM);
        twins.scalar.attend(queries, kv, 0, positions, sequences, expected);
        twins.vector.attend(queries, kv, 0, positions, sequences, result);
        Twins.verify("attention in Java", expected, result, 1e-4);
        twins.automatic.attend(queries, kv, 0, positions, sequences, result);
        Twins.verify("attention as chosen", expected, result, 1e-4);
    }

    /// Frees the memory.
    @TearDown(Level.Trial)
    public void tearDown() {
        twins.close();
    }

    /// The reference.
    @Benchmark
    public Rows attendScalar(Work work) {
        return attend(twins.scalar, work);
    }

    /// The Vector API.
    @Benchmark
    public Rows attendVector(Work work) {
        return attend(twins.vector, work);
    }

    /// What is chosen automatically: C where it runs.
    @Benchmark
    public Rows attendAutomatic(Work work) {
        return attend(twins.automatic, work);
    }

    private Rows attend(Kernels kernels, Work work) {
        kernels.attend(queries, kv, 0, positions, sequences, result);
        double keysAndValues = 0;
        for (int position : positions) {
            keysAndValues += 2.0 * (position + 1);
        }
        work.gigaflops += 2e-9 * HEADS * HEAD_DIM * keysAndValues;
        work.gigabytes += 1e-9 * kvType.bytes(2L * Cache.KV_HEADS * HEAD_DIM * context);
        return result;
    }

    /// One sequence, one layer, the pages in a row.
    private record Cache(DType type, MemorySegment memory) implements PagedKv {
        static final int KV_HEADS = 8;

        static Cache of(Twins twins, DType type, int tokens) {
            long pages = Math.ceilDiv(tokens, PAGE_TOKENS);
            Cache cache = new Cache(type, twins.arena().allocate(pages * pageBytes(type), 64));
            for (long plane = 0; plane < cache.memory.byteSize(); plane += headBytes(type)) {
                MemorySegment data = cache.memory.asSlice(plane, headBytes(type));
                if (type == DType.Q8_0) {
                    // Quants, then scales; their bytes are anything, their magnitudes alike.
                    long quants = (long) PAGE_TOKENS * HEAD_DIM;
                    twins.fill(DType.Q8_0, data.asSlice(0, quants));
                    data.asSlice(quants).fill((byte) 0x20);
                } else {
                    twins.fill(type, data);
                }
            }
            return cache;
        }

        private static long pageBytes(DType type) {
            return 2L * KV_HEADS * headBytes(type);
        }

        private static long headBytes(DType type) {
            return type.bytes((long) PAGE_TOKENS * HEAD_DIM);
        }

        @Override
        public int numHeads() {
            return HEADS;
        }

        @Override
        public int numKvHeads() {
            return KV_HEADS;
        }

        @Override
        public int headDim() {
            return HEAD_DIM;
        }

        @Override
        public MemorySegment page(int sequence, int index) {
            return memory.asSlice(index * pageBytes(type), pageBytes(type));
        }

        @Override
        public long keyOffset(int layer, int kvHead) {
            return kvHead * headBytes(type);
        }

        @Override
        public long valueOffset(int layer, int kvHead) {
            return (KV_HEADS + kvHead) * headBytes(type);
        }
    }
}
