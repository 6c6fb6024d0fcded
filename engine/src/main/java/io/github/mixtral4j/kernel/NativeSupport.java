package io.github.mixtral4j.kernel;

import io.github.mixtral4j.kernel.NativeLibrary.Unavailable;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Decides whether the C kernels can be used, and at which instruction-set level.
final class NativeSupport {
    /// Names the level to use instead of the best.
    static final String ISA = "MIXTRAL4J_ISA";

    private NativeSupport() {}

    /// The library, loaded once, or why there is none.
    private static final class Loaded {
        static final @Nullable NativeLibrary LIBRARY;
        static final String REASON;

        static {
            NativeLibrary library = null;
            String reason = "";
            try {
                library = NativeLibrary.load();
            } catch (Unavailable e) {
                reason = e.reason();
            }
            LIBRARY = library;
            REASON = reason;
        }
    }

    /// What [NativeSelfCheck] said of the levels that were used; empty is well.
    private static final Map<String, Optional<String>> CHECKED = new ConcurrentHashMap<>();

    /// The level to use.
    ///
    /// @param isa level asked for, or null for the best
    /// @throws Unavailable if there is none
    /// @throws IllegalArgumentException if the one asked for does not run here
    static NativeLevel level(@Nullable String isa) throws Unavailable {
        return level(library(), isa);
    }

    static NativeLibrary library() throws Unavailable {
        NativeLibrary library = Loaded.LIBRARY;
        if (library == null) {
            throw new Unavailable(Loaded.REASON);
        }
        return library;
    }

    private static NativeLevel level(NativeLibrary library, @Nullable String isa) throws Unavailable {
        if (isa != null && !library.levels().contains(isa)) {
            throw new IllegalArgumentException(ISA + " must be one of " + String.join(", ", library.levels())
                    + " on this machine, got \"" + isa + "\"");
        }
        NativeLevel level = library.level(isa != null ? isa : library.levels().getFirst());
        Optional<String> wrong =
                CHECKED.computeIfAbsent(level.name(), _ -> NativeSelfCheck.run(level, library.level("scalar")));
        if (wrong.isPresent()) {
            throw new Unavailable("the self-check of level " + level.name() + " failed: " + wrong.get());
        }
        return level;
    }

    /// The level that [KernelKind#AUTO] uses. The plain C of the level `scalar` is used only when asked for: the Vector
    /// API is faster.
    ///
    /// @param isa level asked for, or null for the best
    static NativeLevel automatic(@Nullable String isa) throws Unavailable {
        NativeLevel level = level(isa);
        if (isa == null && level.name().equals("scalar")) {
            throw new Unavailable("the C library has no level for this processor");
        }
        return level;
    }

    static Kernels require(int threads) {
        try {
            NativeLevel level = level(System.getenv(ISA));
            if (!VectorSupport.available()) {
                throw new Unavailable("they need the Vector API; start java with --add-modules jdk.incubator.vector");
            }
            return new NativeKernels(level, threads);
        } catch (Unavailable e) {
            throw new IllegalStateException("native kernels unavailable: " + e.reason(), e);
        }
    }

    /// Native kernels, or else the best that Java has, with a line that says why.
    static Kernels orVector(int threads) {
        if (!VectorSupport.available()) {
            return VectorSupport.orScalar(threads);
        }
        String isa = System.getenv(ISA);
        try {
            return new NativeKernels(automatic(isa), threads);
        } catch (Unavailable e) {
            if (isa != null) {
                throw new IllegalStateException(
                        ISA + " is \"" + isa + "\", but native kernels are unavailable: " + e.reason(), e);
            }
            System.getLogger(NativeSupport.class.getPackageName())
                    .log(Level.INFO, "using vector kernels; native kernels are unavailable: " + e.reason());
            return new VectorKernels(threads);
        }
    }

    /// What [KernelKind#AUTO] makes of this machine: `native avx512`, or `vector` with the reason.
    static String describeAutomatic() {
        try {
            return "native " + automatic(System.getenv(ISA)).name();
        } catch (Unavailable e) {
            return "vector (native kernels are unavailable: " + e.reason() + ")";
        }
    }
}
