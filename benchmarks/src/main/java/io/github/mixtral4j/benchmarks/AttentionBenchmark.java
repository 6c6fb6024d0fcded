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

/// Attention of one layer of 8x22B: 48 query heads, 8 key and value heads of 128, a cache in F16. The last rows of a
/// sequence of `context` tokens attend to all before them.
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
    @Param({"512", "4096"})
    public int context;

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
        kv = Cache.of(twins, context);
        queries = twins.activations(rows, HEADS * HEAD_DIM);
        result = twins.rows(rows, HEADS * HEAD_DIM);
        positions = IntStream.range(context - rows, context).toArray();
        sequences = new int[rows];

        Rows expected = twins.rows(rows, HEADS * HEAD_DIM);
        twins.scalar.attend(queries, kv, 0, positions, sequences, expected);
        twins.vector.attend(queries, kv, 0, positions, sequences, result);
        Twins.verify("attention", expected, result, 1e-4);
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

    private Rows attend(Kernels kernels, Work work) {
        kernels.attend(queries, kv, 0, positions, sequences, result);
        double keysAndValues = 0;
        for (int position : positions) {
            keysAndValues += 2.0 * (position + 1);
        }
        work.gigaflops += 2e-9 * HEADS * HEAD_DIM * keysAndValues;
        work.gigabytes += 2e-9 * Cache.KV_HEADS * HEAD_DIM * 2.0 * context;
        return result;
    }

    /// One sequence, one layer, the pages in a row.
    private record Cache(MemorySegment memory) implements PagedKv {
        static final int KV_HEADS = 8;

        static Cache of(Twins twins, int tokens) {
            long pages = Math.ceilDiv(tokens, PAGE_TOKENS);
            MemorySegment memory = twins.arena().allocate(pages * pageBytes(), 64);
            twins.fill(DType.F16, memory);
            return new Cache(memory);
        }

        private static long pageBytes() {
            return 2L * KV_HEADS * headBytes();
        }

        private static long headBytes() {
            return DType.F16.bytes((long) PAGE_TOKENS * HEAD_DIM);
        }

        @Override
        public DType type() {
            return DType.F16;
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
            return memory.asSlice(index * pageBytes(), pageBytes());
        }

        @Override
        public long keyOffset(int layer, int kvHead) {
            return kvHead * headBytes();
        }

        @Override
        public long valueOffset(int layer, int kvHead) {
            return (KV_HEADS + kvHead) * headBytes();
        }
    }
}
