package io.github.mixtral4j.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// The products of the backward pass of a [NativeLevel] that multiplies bfloat16; `M4J_GEMM_KN` in
/// `engine/src/main/c/mixtral4j.h` says what each function does. Nothing is checked here, as there.
record NativeGemmKn(MethodHandle bytesHandle, MethodHandle xHandle, MethodHandle tmpHandle, MethodHandle gemmHandle) {

    /// The functions of a level; empty if it has none.
    static Optional<NativeGemmKn> bind(SymbolLookup library, String level) {
        Linker linker = Linker.nativeLinker();
        String prefix = "mixtral4j_" + level + "_gemm_kn";
        return library.find(prefix)
                .map(gemm -> new NativeGemmKn(
                        linker.downcallHandle(
                                library.findOrThrow(prefix + "_bytes"),
                                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT)),
                        linker.downcallHandle(
                                library.findOrThrow(prefix + "_x"),
                                FunctionDescriptor.ofVoid(
                                        JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                                        JAVA_LONG)),
                        linker.downcallHandle(
                                library.findOrThrow(prefix + "_tmp"), FunctionDescriptor.of(JAVA_LONG, JAVA_INT)),
                        linker.downcallHandle(
                                gemm,
                                FunctionDescriptor.ofVoid(
                                        JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT,
                                        JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG))));
    }

    /// Bytes of `rows` rows of `k` activations prepared for [#gemm].
    long bytes(long k, int rows) {
        try {
            return (long) bytesHandle.invokeExact(k, rows);
        } catch (Throwable e) {
            throw NativeLevel.failure(e);
        }
    }

    /// Prepares rows `[from, to)` of `rows`; element `i` of row `j` is float `j * xRow + i * xDepth` of `x`, where one
    /// of both steps is 1.
    ///
    /// @param from a multiple of 16
    void prepare(long k, long x, long xRow, long xDepth, int rows, int from, int to, long out) {
        try {
            xHandle.invokeExact(k, x, xRow, xDepth, rows, from, to, out);
        } catch (Throwable e) {
            throw NativeLevel.failure(e);
        }
    }

    /// Bytes of scratch memory that a call of [#gemm] for so many rows needs.
    long tmp(int rows) {
        try {
            return (long) tmpHandle.invokeExact(rows);
        } catch (Throwable e) {
            throw NativeLevel.failure(e);
        }
    }

    /// Multiplies rows `[from, to)` of `rows` prepared rows with `columns` columns of weights `[k, columns]`, F32 or
    /// BF16; the product of row `j` and column `c` is float `j * yStride + c` of `y`.
    ///
    /// @param from a multiple of 32
    /// @param add 1 if products are added to what is there, else 0
    void gemm(
            int type,
            long k,
            long w,
            long stride,
            int columns,
            long x,
            int rows,
            int from,
            int to,
            long y,
            long yStride,
            int add,
            long tmp) {
        try {
            gemmHandle.invokeExact(type, k, w, stride, columns, x, rows, from, to, y, yStride, add, tmp);
        } catch (Throwable e) {
            throw NativeLevel.failure(e);
        }
    }
}
