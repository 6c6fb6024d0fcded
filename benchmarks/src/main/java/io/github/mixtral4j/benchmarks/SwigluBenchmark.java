package io.github.mixtral4j.benchmarks;

import io.github.mixtral4j.tensor.Rows;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// The gate of an expert of 8x22B over 128 rows.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
// JMH calls setUp before anything else.
@SuppressWarnings("NullAway.Init")
public class SwigluBenchmark {
    private static final int ROWS = 128;
    private static final int INTERMEDIATE = 16384;

    /// Threads of the kernels.
    @Param("1")
    public int threads;

    private Twins twins;
    private Rows original;
    private Rows gate;
    private Rows up;

    /// Makes the data and compares the twins on it.
    @Setup(Level.Trial)
    public void setUp() {
        twins = new Twins(threads);
        original = twins.activations(ROWS, INTERMEDIATE);
        up = twins.activations(ROWS, INTERMEDIATE);
        gate = twins.rows(ROWS, INTERMEDIATE);

        Rows expected = twins.rows(ROWS, INTERMEDIATE);
        expected.data().copyFrom(original.data());
        restore();
        twins.scalar.swiglu(expected, up);
        twins.vector.swiglu(gate, up);
        Twins.verify("swiglu", expected, gate, 1e-5);
    }

    /// The operation works in place; again and again on its own result it would compute with denormal numbers, which
    /// are slow.
    @Setup(Level.Invocation)
    public void restore() {
        gate.data().copyFrom(original.data());
    }

    /// Frees the memory.
    @TearDown(Level.Trial)
    public void tearDown() {
        twins.close();
    }

    /// The reference.
    @Benchmark
    public Rows swigluScalar() {
        twins.scalar.swiglu(gate, up);
        return gate;
    }

    /// The Vector API.
    @Benchmark
    public Rows swigluVector() {
        twins.vector.swiglu(gate, up);
        return gate;
    }
}
