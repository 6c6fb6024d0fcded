package io.github.mixtral4j.model;

import static org.junit.jupiter.api.Assumptions.abort;

import io.github.mixtral4j.kernel.KernelKind;
import io.github.mixtral4j.kernel.Kernels;
import io.github.mixtral4j.tensor.DType;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/// Kernels of every kind for the tests of one class, started when they are first asked for, with two threads.
final class TestKernels implements AutoCloseable {
    private final Map<KernelKind, Kernels> started = new EnumMap<>(KernelKind.class);

    /// The kinds that are to be fast.
    static Stream<KernelKind> fast() {
        return Stream.of(KernelKind.VECTOR, KernelKind.NATIVE);
    }

    /// The same with every format.
    static Stream<Arguments> fastInEveryFormat() {
        return fast().flatMap(kind -> Stream.of(DType.values()).map(type -> Arguments.of(kind, type)));
    }

    /// Starts kernels; where there is no C library a test of it is skipped, and says why.
    static Kernels create(KernelKind kind, int threads) {
        try {
            return Kernels.create(kind, threads);
        } catch (IllegalStateException e) {
            if (kind == KernelKind.NATIVE) {
                return abort(String.valueOf(e.getMessage()));
            }
            throw e;
        }
    }

    Kernels get(KernelKind kind) {
        return started.computeIfAbsent(kind, k -> create(k, 2));
    }

    @Override
    public void close() {
        started.values().forEach(Kernels::close);
    }
}
