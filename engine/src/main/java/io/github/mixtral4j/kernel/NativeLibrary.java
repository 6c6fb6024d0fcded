package io.github.mixtral4j.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;

/// The loaded C library. It stays loaded until the process ends.
///
/// @param symbols its functions
/// @param levels names of the instruction-set levels that run here, best first; `scalar` is always the last
record NativeLibrary(SymbolLookup symbols, List<String> levels) {
    /// `MIXTRAL4J_ABI` of the header that [NativeLevel] was written for.
    private static final int ABI = 1;

    /// Every level there is, best first.
    private static final List<String> LEVELS = List.of("amx", "avx512", "avx2", "neon", "scalar");

    /// Why there is no library.
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

    /// Loads the library of this jar.
    static NativeLibrary load() throws Unavailable {
        byte[] content;
        try {
            content = NativeFile.content()
                    .orElseThrow(() -> new Unavailable("this build contains no C library for "
                            + System.getProperty("os.name") + " on " + System.getProperty("os.arch")));
        } catch (IOException e) {
            throw new Unavailable("the C library cannot be read from the jar: " + e.getMessage());
        }
        return load(content, NativeFile.cache());
    }

    /// Loads a library by way of a file in `cache`, or in a temporary folder where that cannot be.
    static NativeLibrary load(byte[] content, Path cache) throws Unavailable {
        try {
            return of(SymbolLookup.libraryLookup(NativeFile.in(cache, content), Arena.global()));
        } catch (IOException
                | IllegalArgumentException
                | IllegalCallerException e) { // not writable, or mounted without the right to execute
            return loadFromTemporary(content, cache + ": " + e.getMessage());
        }
    }

    private static NativeLibrary loadFromTemporary(byte[] content, String whyNotCached) throws Unavailable {
        try {
            Path folder = Files.createTempDirectory("mixtral4j-");
            Path file = NativeFile.in(folder, content);
            try {
                return of(SymbolLookup.libraryLookup(file, Arena.global()));
            } finally {
                // What is loaded stays loaded without a name.
                Files.delete(file);
                Files.delete(folder);
            }
        } catch (IOException | IllegalArgumentException | IllegalCallerException e) {
            throw new Unavailable("the C library cannot be loaded (" + whyNotCached + "; " + e.getMessage() + ")");
        }
    }

    private static NativeLibrary of(SymbolLookup symbols) throws Unavailable {
        Linker linker = Linker.nativeLinker();
        try (Arena arena = Arena.ofConfined()) {
            MethodHandle abi =
                    linker.downcallHandle(symbols.findOrThrow("mixtral4j_abi"), FunctionDescriptor.of(JAVA_INT));
            int found = (int) abi.invokeExact();
            if (found != ABI) {
                throw new Unavailable("the C library has ABI " + found + ", this engine needs " + ABI);
            }
            MethodHandle runs = linker.downcallHandle(
                    symbols.findOrThrow("mixtral4j_runs"), FunctionDescriptor.of(JAVA_INT, ADDRESS));
            List<String> levels = new ArrayList<>();
            for (String level : LEVELS) {
                if ((int) runs.invokeExact(arena.allocateFrom(level)) != 0) {
                    levels.add(level);
                }
            }
            return new NativeLibrary(symbols, List.copyOf(levels));
        } catch (NoSuchElementException e) {
            throw new Unavailable("the C library lacks a function: " + e.getMessage());
        } catch (Unavailable | RuntimeException | Error e) {
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
