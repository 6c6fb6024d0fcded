/// The hot loops of the engine, measured with JMH: every one as a twin, scalar and vector, in the shapes of Mixtral
/// 8x22B. Start with [MatmulBenchmark]. Imported by nothing; measures nothing that it has not verified first.
@NullMarked
package io.github.mixtral4j.benchmarks;

import org.jspecify.annotations.NullMarked;
