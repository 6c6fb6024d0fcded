package io.github.mixtral4j.kernel;

import java.lang.System.Logger.Level;

/// Decides whether the Vector API can be used. Touches no vector class before it knows that the module is there.
final class VectorSupport {
    private static final String REMEDY =
            "Vector API unavailable, using scalar kernels; start java with --add-modules jdk.incubator.vector";

    private VectorSupport() {}

    static boolean available() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }

    static Kernels require(int threads) {
        if (!available()) {
            throw new IllegalStateException(
                    "Vector API unavailable; start java with --add-modules jdk.incubator.vector, or ask for scalar kernels");
        }
        return new VectorKernels(threads);
    }

    static Kernels orScalar(int threads) {
        if (available()) {
            return new VectorKernels(threads);
        }
        System.getLogger(VectorSupport.class.getPackageName()).log(Level.WARNING, REMEDY);
        return new ScalarKernels(threads);
    }
}
