package io.github.mixtral4j.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// The C functions of one instruction-set level; `engine/src/main/c/mixtral4j.h` says what each does.
///
/// Pointers are passed as addresses, because a segment per call would be an object per call. So nothing is checked
/// here: callers check bounds, and keep the memory alive until the call returns. A type is a [DType#ggmlId()].
///
/// @param name `amx`, `avx512`, `avx512vnni`, `avxvnni`, `avx2`, `neon` or `scalar`
/// @param gemmKn the products of the backward pass, of a level that multiplies bfloat16
record NativeLevel(
        String name,
        MethodHandle gemvBytesHandle,
        MethodHandle gemvXHandle,
        MethodHandle gemvHandle,
        MethodHandle gemmBytesHandle,
        MethodHandle gemmXHandle,
        MethodHandle gemmTmpHandle,
        MethodHandle gemmHandle,
        MethodHandle attendStateHandle,
        MethodHandle attendTmpHandle,
        MethodHandle attendHandle,
        MethodHandle attendMergeHandle,
        Optional<NativeGemmKn> gemmKn) {
    /// Layout of an address in a call.
    private static final ValueLayout.OfLong POINTER = JAVA_LONG;

    /// Finds the functions of a level.
    ///
    /// @throws java.util.NoSuchElementException if the library lacks one
    static NativeLevel bind(SymbolLookup library, String name) {
        Linker linker = Linker.nativeLinker();
        String prefix = "mixtral4j_" + name + "_";
        return new NativeLevel(
                name,
                linker.downcallHandle(
                        library.findOrThrow(prefix + "gemv_bytes"),
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "gemv_x"),
                        FunctionDescriptor.ofVoid(JAVA_INT, JAVA_LONG, POINTER, POINTER)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "gemv"),
                        FunctionDescriptor.ofVoid(JAVA_INT, JAVA_LONG, POINTER, JAVA_LONG, JAVA_INT, POINTER, POINTER)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "gemm_bytes"),
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "gemm_x"),
                        FunctionDescriptor.ofVoid(
                                JAVA_INT, JAVA_INT, JAVA_LONG, POINTER, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                                POINTER)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "gemm_tmp"),
                        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "gemm"),
                        FunctionDescriptor.ofVoid(
                                JAVA_INT, JAVA_INT, JAVA_LONG, POINTER, JAVA_LONG, JAVA_INT, POINTER, JAVA_INT, POINTER,
                                JAVA_LONG, POINTER)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "attend_state"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "attend_tmp"),
                        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "attend"),
                        FunctionDescriptor.ofVoid(
                                JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, POINTER, JAVA_LONG, JAVA_INT, POINTER,
                                JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, POINTER, POINTER)),
                linker.downcallHandle(
                        library.findOrThrow(prefix + "attend_merge"),
                        FunctionDescriptor.ofVoid(
                                JAVA_LONG, JAVA_INT, JAVA_INT, POINTER, JAVA_INT, JAVA_LONG, POINTER, JAVA_LONG)),
                NativeGemmKn.bind(library, name));
    }

    /// Bytes of one row of `k` activations prepared for [#gemv], a multiple of 64.
    long gemvBytes(int type, long k) {
        try {
            return (long) gemvBytesHandle.invokeExact(type, k);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Prepares one row of `k` floats for [#gemv].
    void gemvX(int type, long k, long x, long out) {
        try {
            gemvXHandle.invokeExact(type, k, x, out);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Multiplies `rows` rows of weights, `stride` bytes apart, with one prepared row; writes `rows` floats to `y`.
    void gemv(int type, long k, long w, long stride, int rows, long x, long y) {
        try {
            gemvHandle.invokeExact(type, k, w, stride, rows, x, y);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Bytes of `rows` rows of `k` activations prepared for [#gemm].
    ///
    /// @param precise 1 if 8 bits are not enough for activations, else 0; the same for all functions of a product
    long gemmBytes(int type, int precise, long k, int rows) {
        try {
            return (long) gemmBytesHandle.invokeExact(type, precise, k, rows);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Prepares rows `[from, to)` of `rows` rows of `k` floats, `xStride` floats apart, for [#gemm].
    ///
    /// @param from a multiple of 16
    void gemmX(int type, int precise, long k, long x, long xStride, int rows, int from, int to, long out) {
        try {
            gemmXHandle.invokeExact(type, precise, k, x, xStride, rows, from, to, out);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Bytes of scratch memory that a call of [#gemm] needs.
    long gemmTmp(int type, int precise, long k, int rows) {
        try {
            return (long) gemmTmpHandle.invokeExact(type, precise, k, rows);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Multiplies `wRows` rows of weights, `stride` bytes apart, with `rows` prepared rows; the product of weight row
    /// `r` and activation row `j` is float `j * yStride + r` of `y`.
    void gemm(
            int type,
            int precise,
            long k,
            long w,
            long stride,
            int wRows,
            long x,
            int rows,
            long y,
            long yStride,
            long tmp) {
        try {
            gemmHandle.invokeExact(type, precise, k, w, stride, wRows, x, rows, y, yStride, tmp);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Bytes that [#attend] writes for one query of a head of `dim` elements, a multiple of 64.
    long attendState(long dim) {
        try {
            return (long) attendStateHandle.invokeExact(dim);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Bytes of scratch memory that a call of [#attend] needs for so many queries.
    long attendTmp(long dim, int queries) {
        try {
            return (long) attendTmpHandle.invokeExact(dim, queries);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Attention of `rows` consecutive tokens of a sequence, from `position` on, to `count` pages of its cache, from
    /// the page `first` on; for the `group` query heads of one key and value head. Writes `rows * group` states.
    ///
    /// @param q first query, rows `qStride` floats apart
    /// @param pages array of the addresses of the pages
    /// @param keys byte offset in every page
    /// @param values byte offset in every page
    void attend(
            int type,
            long dim,
            int group,
            int rows,
            long q,
            long qStride,
            int position,
            long pages,
            long keys,
            long values,
            int first,
            int count,
            long states,
            long tmp) {
        try {
            attendHandle.invokeExact(
                    type, dim, group, rows, q, qStride, position, pages, keys, values, first, count, states, tmp);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// Makes results, rows `outStride` floats apart, of the states of `pieces` pieces of a sequence, `pieceBytes`
    /// apart.
    void attendMerge(
            long dim, int group, int rows, long states, int pieces, long pieceBytes, long out, long outStride) {
        try {
            attendMergeHandle.invokeExact(dim, group, rows, states, pieces, pieceBytes, out, outStride);
        } catch (Throwable e) {
            throw failure(e);
        }
    }

    /// What a call that failed is reported as.
    static RuntimeException failure(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException known ? known : new IllegalStateException("C kernels cannot be called", e);
    }
}
