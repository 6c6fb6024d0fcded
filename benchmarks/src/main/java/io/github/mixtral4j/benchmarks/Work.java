package io.github.mixtral4j.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// What the calls of an iteration did; JMH prints it per second beside the calls per second.
@State(Scope.Thread)
@AuxCounters(AuxCounters.Type.OPERATIONS)
public class Work {
    /// Gigabytes of weights read.
    public double gigabytes;

    /// Billions of multiplications and additions.
    public double gigaflops;

    /// Starts an iteration at nothing.
    @Setup(Level.Iteration)
    public void reset() {
        gigabytes = 0;
        gigaflops = 0;
    }
}
