package io.github.mixtral4j.kernel;

import io.github.mixtral4j.kernel.NativeLibrary.Unavailable;
import java.util.LinkedHashMap;
import java.util.Map;

/// The C kernels as tests see them.
final class TestNative {
    private TestNative() {}

    /// Kernels of every level that runs here, by level; none where there is no library.
    static Map<String, Kernels> everyLevel(int threads) {
        Map<String, Kernels> kernels = new LinkedHashMap<>();
        try {
            NativeLibrary library = NativeSupport.library();
            for (String level : library.levels()) {
                kernels.put(level, new NativeKernels(library.level(level), threads));
            }
        } catch (Unavailable e) {
            System.getLogger("mixtral4j").log(System.Logger.Level.WARNING, "C kernels not tested: " + e.reason());
        }
        return kernels;
    }
}
