package io.github.mixtral4j.kernel;

import io.github.mixtral4j.kernel.NativeLibrary.Unavailable;
import java.lang.System.Logger.Level;
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

    /// The library of this process.
    static NativeLibrary library() throws Unavailable {
        NativeLibrary library = Loaded.LIBRARY;
        if (library == null) {
            throw new Unavailable(Loaded.REASON);
        }
        return library;
    }

    private static @Nullable String isa() {
        String isa = System.getenv(ISA);
        return isa == null || isa.isBlank() ? null : isa;
    }

    /// The level of `library` to use, checked.
    ///
    /// @param isa level asked for, or null for the best
    /// @throws Unavailable if its self-check fails
    /// @throws IllegalArgumentException if the one asked for does not run here
    static String level(NativeLibrary library, @Nullable String isa) throws Unavailable {
        if (isa != null && !library.levels().contains(isa)) {
            throw new IllegalArgumentException(ISA + " must be one of " + String.join(", ", library.levels())
                    + " on this machine, got \"" + isa + "\"");
        }
        String level = isa != null ? isa : library.levels().getFirst();
        library.check(level);
        return level;
    }

    /// The level that [KernelKind#AUTO] uses. The plain C of the level `scalar` is used only when asked for: the Vector
    /// API is faster.
    private static String automatic() throws Unavailable {
        String isa = isa();
        try {
            String level = level(library(), isa);
            if (isa == null && level.equals("scalar")) {
                throw new Unavailable("the C library has no level for this processor");
            }
            return level;
        } catch (Unavailable e) {
            if (isa != null) {
                throw new IllegalArgumentException(
                        ISA + " is \"" + isa + "\", but native kernels are unavailable: " + e.reason(), e);
            }
            throw e;
        }
    }

    /// Native kernels.
    static Kernels require(int threads) {
        try {
            if (!VectorSupport.available()) {
                throw new Unavailable("they need the Vector API; start java with --add-modules jdk.incubator.vector");
            }
            return new NativeKernels(library().level(level(library(), isa())), threads);
        } catch (Unavailable e) {
            throw new IllegalStateException(
                    "native kernels are unavailable: " + e.reason() + "; ask for vector kernels, or auto", e);
        }
    }

    /// Native kernels, or else the best that Java has, with a line that says why.
    static Kernels orVector(int threads) {
        if (!VectorSupport.available()) {
            return VectorSupport.orScalar(threads);
        }
        try {
            return new NativeKernels(library().level(automatic()), threads);
        } catch (Unavailable e) {
            System.getLogger(NativeSupport.class.getPackageName())
                    .log(Level.INFO, "using vector kernels; native kernels are unavailable: " + e.reason());
            return new VectorKernels(threads);
        }
    }

    /// What [KernelKind#AUTO] makes of this machine: `native avx512`, or `vector` with the reason.
    static String describeAutomatic() {
        try {
            return "native " + automatic();
        } catch (Unavailable e) {
            return "vector (native kernels are unavailable: " + e.reason() + ")";
        }
    }
}
