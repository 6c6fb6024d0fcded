package io.github.mixtral4j.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.mixtral4j.tensor.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// The loaded C library. It stays loaded until the process ends.
final class NativeLibrary {
    /// `MIXTRAL4J_ABI` of the header that [NativeLevel] was written for.
    private static final int ABI = 3;

    /// `M4J_CHECK_GEMM`, `M4J_CHECK_ATTEND` and `M4J_CHECK_GEMM_KN` of that header.
    private static final int CHECK_GEMM = 1000;

    private static final int CHECK_ATTEND = 2000;
    private static final int CHECK_GEMM_KN = 3000;

    /// Every level there is, best first.
    private static final List<String> LEVELS =
            List.of("amx", "avx512", "avx512vnni", "avxvnni", "avx2", "neon", "scalar");

    private final SymbolLookup symbols;
    private final List<String> levels = new ArrayList<>();
    /// What each level said of itself when it was first asked; empty is well.
    private final Map<String, Optional<String>> checked = new ConcurrentHashMap<>();

    /// Why native kernels cannot be used.
    static final class Unavailable extends Exception {
        private static final long serialVersionUID = 1;

        Unavailable(String reason) {
            super(reason);
        }

        /// The reason, to stand behind a colon.
        String reason() {
            return String.valueOf(getMessage());
        }
    }

    private NativeLibrary(SymbolLookup symbols) throws Unavailable {
        this.symbols = symbols;
        try {
            MethodHandle abi = Linker.nativeLinker()
                    .downcallHandle(symbols.findOrThrow("mixtral4j_abi"), FunctionDescriptor.of(JAVA_INT));
            int found = (int) abi.invokeExact();
            if (found != ABI) {
                throw new Unavailable("the C library has ABI " + found + ", this engine needs " + ABI);
            }
            for (String level : LEVELS) {
                if (ask("mixtral4j_runs", level) != 0) {
                    levels.add(level);
                }
            }
        } catch (NoSuchElementException e) {
            throw new Unavailable("the C library lacks a function: " + e.getMessage());
        } catch (Unavailable | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("C functions cannot be called", e);
        }
    }

    /// Loads the library of this jar.
    static NativeLibrary load() throws Unavailable {
        try {
            byte[] content = NativeFile.content()
                    .orElseThrow(() -> new Unavailable("this build contains no C library for "
                            + System.getProperty("os.name") + " on " + System.getProperty("os.arch")));
            return load(content, NativeFile.cache());
        } catch (IOException | InvalidPathException e) {
            throw new Unavailable("the C library cannot be unpacked: " + e.getMessage());
        }
    }

    /// Loads a library by way of a file in `cache`, or in a temporary folder where that cannot be.
    static NativeLibrary load(byte[] content, Path cache) throws Unavailable {
        String notCached;
        try {
            return new NativeLibrary(open(NativeFile.in(cache, content)));
        } catch (IOException e) {
            notCached = reason(e);
        }
        try {
            Path folder = Files.createTempDirectory("mixtral4j-");
            try {
                Path file = NativeFile.in(folder, content);
                try {
                    return new NativeLibrary(open(file));
                } finally {
                    // What is loaded stays loaded without a name.
                    Files.deleteIfExists(file);
                }
            } finally {
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            throw new Unavailable("the C library cannot be loaded (" + notCached + "; " + reason(e) + ")");
        }
    }

    /// @throws IOException if the system does not load it, for example because the folder is mounted without the right
    ///     to execute
    private static SymbolLookup open(Path file) throws IOException, Unavailable {
        try {
            return SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        } catch (IllegalCallerException e) {
            throw new Unavailable("java may not call native code; start it with --enable-native-access");
        }
    }

    /// Exceptions about files have their path for a message.
    private static String reason(IOException e) {
        return e instanceof FileSystemException ? e.toString() : String.valueOf(e.getMessage());
    }

    /// Names of the instruction-set levels that run here, best first; `scalar` is always the last.
    List<String> levels() {
        return Collections.unmodifiableList(levels);
    }

    /// Lets a level compare itself with the level `scalar`, once; it takes a few milliseconds.
    ///
    /// @throws Unavailable with what is wrong, if anything is
    void check(String level) throws Unavailable {
        Optional<String> wrong = checked.computeIfAbsent(level, this::askForMistakes);
        if (wrong.isPresent()) {
            throw new Unavailable(wrong.get());
        }
    }

    private Optional<String> askForMistakes(String level) {
        int wrong = ask("mixtral4j_check", level);
        if (wrong == 0) {
            return Optional.empty();
        }
        String mistake;
        if (wrong < 0) {
            return Optional.of("the self-check of level " + level + " could not be done, for want of memory");
        }
        if (wrong == CHECK_GEMM_KN) {
            mistake = "it multiplies wrongly in the backward pass";
        } else if (wrong > CHECK_ATTEND) {
            mistake = "it attends wrongly to keys and values in " + type(wrong - CHECK_ATTEND);
        } else if (wrong > CHECK_GEMM) {
            mistake = "it multiplies many rows with " + type(wrong - CHECK_GEMM) + " wrongly";
        } else {
            mistake = "it multiplies one row with " + type(wrong) + " wrongly";
        }
        return Optional.of("the self-check of level " + level + " failed, " + mistake);
    }

    /// The type in an answer of `mixtral4j_check`, which counts from 1.
    private static String type(int wrong) {
        return DType.ofGgmlId(wrong - 1).map(DType::name).orElse("nothing");
    }

    /// Calls a function from a level's name to a number.
    private int ask(String function, String level) {
        // The address as a number, as in NativeLevel: a call with a segment takes longer to link.
        MethodHandle handle = Linker.nativeLinker()
                .downcallHandle(symbols.findOrThrow(function), FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
        try (Arena arena = Arena.ofConfined()) {
            return (int) handle.invokeExact(arena.allocateFrom(level).address());
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("C functions cannot be called", e);
        }
    }

    /// The functions of one of [#levels].
    NativeLevel level(String name) {
        return NativeLevel.bind(symbols, name);
    }
}
