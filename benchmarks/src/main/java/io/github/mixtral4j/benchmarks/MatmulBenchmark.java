package io.github.mixtral4j.benchmarks;

import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.DType;
import io.github.mixtral4j.tensor.Rows;
import io.github.mixtral4j.tensor.Tensor;
import java.util.concurrent.TimeUnit;
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

/// Weights times one row, as in decode, and times 128 rows, as an expert in a prefill of 512 (which are 1024 pairs of
/// token and expert, for 8 experts).
///
/// One row reads a matrix of an expert of 8x22B from memory: `gigabytes` is the figure that counts. 128 rows do 256
/// operations per weight: `gigaflops` counts, and a slice of the matrix suffices.
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@OutputTimeUnit(TimeUnit.SECONDS)
// JMH calls setUp before anything else.
@SuppressWarnings("NullAway.Init")
public class MatmulBenchmark {
    /// Width of 8x22B.
    private static final int HIDDEN = 6144;
    /// Rows of an expert's up projection in 8x22B; with [#HIDDEN] columns too large for any cache.
    private static final int INTERMEDIATE = 16384;

    private static final int MANY_ROWS = 128;
    private static final int SLICE = 1024;

    /// Format of the weights.
    @Param({"Q4_K", "Q8_0", "Q6_K"})
    public DType type = DType.Q4_K;

    /// Threads of the kernels.
    @Param("1")
    public int threads;

    private Twins twins;
    private Tensor matrix;
    private Tensor slice;
    private Rows oneRow;
    private Rows oneResult;
    private Rows manyRows;
    private Rows manyResults;

    /// Makes the data and compares the twins on it.
    @Setup(Level.Trial)
    public void setUp() {
        twins = new Twins(threads);
        matrix = twins.weights(type, INTERMEDIATE, HIDDEN);
        slice = matrix.rows(0, SLICE);
        oneRow = twins.activations(1, HIDDEN);
        oneResult = twins.rows(1, INTERMEDIATE);
        manyRows = twins.activations(MANY_ROWS, HIDDEN);
        manyResults = twins.rows(MANY_ROWS, SLICE);

        Rows expected = twins.rows(1, INTERMEDIATE);
        twins.scalar.matmul(matrix, oneRow, expected);
        twins.vector.matmul(matrix, oneRow, oneResult);
        // One row may be rounded to 8 bits first, which costs 0.6 % of the spread on average.
        Twins.verify(type + ", one row", expected, oneResult, 0.06);

        Tensor few = slice.rows(0, 64);
        Rows fewExpected = twins.rows(MANY_ROWS, 64);
        Rows fewResults = twins.rows(MANY_ROWS, 64);
        twins.scalar.matmul(few, manyRows, fewExpected);
        twins.vector.matmul(few, manyRows, fewResults);
        Twins.verify(type + ", many rows", fewExpected, fewResults, 1e-4);
    }

    /// Frees the memory.
    @TearDown(Level.Trial)
    public void tearDown() {
        twins.close();
    }

    /// One row, reference.
    @Benchmark
    public Rows oneRowScalar(Work work) {
        return oneRow(twins.scalar, work);
    }

    /// One row, Vector API.
    @Benchmark
    public Rows oneRowVector(Work work) {
        return oneRow(twins.vector, work);
    }

    /// 128 rows, reference.
    @Benchmark
    public Rows manyRowsScalar(Work work) {
        return manyRows(twins.scalar, work);
    }

    /// 128 rows, Vector API.
    @Benchmark
    public Rows manyRowsVector(Work work) {
        return manyRows(twins.vector, work);
    }

    private Rows oneRow(Kernels kernels, Work work) {
        kernels.matmul(matrix, oneRow, oneResult);
        work.gigabytes += matrix.data().byteSize() / 1e9;
        work.gigaflops += 2e-9 * INTERMEDIATE * HIDDEN;
        return oneResult;
    }

    private Rows manyRows(Kernels kernels, Work work) {
        kernels.matmul(slice, manyRows, manyResults);
        work.gigabytes += slice.data().byteSize() / 1e9;
        work.gigaflops += 2e-9 * SLICE * HIDDEN * MANY_ROWS;
        return manyResults;
    }
}
