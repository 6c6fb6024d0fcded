/* The C kernels: one set of functions per instruction-set level, all with the same meaning.
 *
 * Java owns every buffer and every thread: a kernel works on the calling thread, allocates nothing and touches only
 * what its arguments point to. Functions of level L are named mixtral4j_L_NAME, for example mixtral4j_avx512_gemv.
 * The level "scalar" is plain C, the oracle of the others; it is tested against ScalarKernels.
 *
 * Weight types are the numbers of GGUF's tensor types. Weights are rows of whole blocks, `stride` bytes apart, at any
 * address; prepared activations and scratch memory start at multiples of 64. F32 weights are multiplied in float32 or
 * better, because routers are F32. For the other types gemv may round activations to 8 bits, and so may gemm unless it
 * is to be `precise`: then both factors keep at least the 8 significant bits of bfloat16.
 */
#ifndef MIXTRAL4J_H
#define MIXTRAL4J_H

#include <stdint.h>

/* Changes when a signature or a layout that Java knows changes. */
#define MIXTRAL4J_ABI 3

#if defined(_WIN32)
#define MIXTRAL4J_EXPORT __declspec(dllexport)
#else
#define MIXTRAL4J_EXPORT __attribute__((visibility("default")))
#endif

enum mixtral4j_type {
    M4J_F32 = 0, M4J_F16 = 1, M4J_Q4_0 = 2, M4J_Q4_1 = 3, M4J_Q5_0 = 6, M4J_Q5_1 = 7, M4J_Q8_0 = 8,
    M4J_Q2_K = 10, M4J_Q3_K = 11, M4J_Q4_K = 12, M4J_Q5_K = 13, M4J_Q6_K = 14, M4J_BF16 = 30
};

/* The ABI of this library. */
MIXTRAL4J_EXPORT int32_t mixtral4j_abi(void);

/* Whether this library has a level, "scalar", "avx2", "avxvnni", "avx512vnni", "avx512", "amx" or "neon", and this machine
 * runs it. */
MIXTRAL4J_EXPORT int32_t mixtral4j_runs(const char *level);

/* Compares a level that runs with the level "scalar" on a few random blocks of every type, in a few milliseconds; a
 * compiler, an emulator or a hypervisor that gets an instruction wrong is found before it answers. 0 if all is well;
 * 1 + the type whose gemv gives wrong results; M4J_CHECK_GEMM + 1 + the type whose gemm does; M4J_CHECK_ATTEND + 1 + the
 * type of a cache; M4J_CHECK_GEMM_KN if the product of the backward pass does; -1 if it cannot be done. */
MIXTRAL4J_EXPORT int32_t mixtral4j_check(const char *level);
#define M4J_CHECK_GEMM 1000
#define M4J_CHECK_ATTEND 2000
#define M4J_CHECK_GEMM_KN 3000

/* Tokens of a page of the key/value cache. For a layer and a head a page holds keys, transposed, [dim][64], and values,
 * [64][dim], of F32, F16 or Q8_0. Q8_0 is first all signed bytes, in that order, then float16 scales of each 32 elements
 * of a head: [dim / 32][64] for keys, [64][dim / 32] for values. */
#define M4J_PAGE_TOKENS 64

/* Declares the functions of one level.
 *
 * gemv_bytes  bytes of one row of `k` activations prepared for gemv, multiple of 64.
 * gemv_x      prepares one row: quantized to 8 bits or kept as floats, as the type wants it.
 * gemv        y[r] = dot(row r of the weights, x) for r < rows.
 * gemm_bytes  bytes of `rows` rows of `k` activations prepared for gemm.
 * gemm_x      prepares rows [from, to) of `rows`, x row-major with `x_stride` floats; `from` a multiple of 16.
 * gemm_tmp    bytes of scratch that gemm needs, per thread.
 * gemm        y[j * y_stride + r] = dot(weight row r, activation row j) for r < w_rows, j < rows.
 *
 * attend_state  bytes of what is known of one query after a part of its tokens, multiple of 64: sums, maximum, total.
 * attend_tmp    bytes of scratch that attend needs for so many queries.
 * attend        attention of `rows` consecutive tokens of a sequence, the first at `position`, to the tokens of `count`
 *               pages, of which the first is page `first` of the sequence; a row sees no token after its own. Only the
 *               `group` query heads that share one head of keys and values: query h of row r starts at
 *               q[r * q_stride + h * dim]. `keys` and `values` are the byte offsets in every page. Writes
 *               rows * group states. Cached tokens after the last row may be anything.
 * attend_merge  out[r * out_stride + h * dim] = attention of query h of row r to all pages: from the states of `pieces`
 *               of the sequence, `piece_bytes` apart.
 */
#define M4J_LEVEL(L)                                                                                                   \
    MIXTRAL4J_EXPORT int64_t mixtral4j_##L##_gemv_bytes(int32_t type, int64_t k);                                      \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_gemv_x(int32_t type, int64_t k, const float *x, void *out);                  \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_gemv(                                                                        \
        int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y);                \
    MIXTRAL4J_EXPORT int64_t mixtral4j_##L##_gemm_bytes(int32_t type, int32_t precise, int64_t k, int32_t rows);       \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_gemm_x(                                                                      \
        int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride, int32_t rows, int32_t from,        \
        int32_t to, void *out);                                                                                        \
    MIXTRAL4J_EXPORT int64_t mixtral4j_##L##_gemm_tmp(int32_t type, int32_t precise, int64_t k, int32_t rows);         \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_gemm(                                                                        \
        int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,        \
        int32_t rows, float *y, int64_t y_stride, void *tmp);                                                          \
    MIXTRAL4J_EXPORT int64_t mixtral4j_##L##_attend_state(int64_t dim);                                                \
    MIXTRAL4J_EXPORT int64_t mixtral4j_##L##_attend_tmp(int64_t dim, int32_t queries);                                 \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_attend(                                                                      \
        int32_t type, int64_t dim, int32_t group, int32_t rows, const float *q, int64_t q_stride, int32_t position,    \
        const void *const *pages, int64_t keys, int64_t values, int32_t first, int32_t count, void *states,            \
        void *tmp);                                                                                                    \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_attend_merge(                                                                \
        int64_t dim, int32_t group, int32_t rows, const void *states, int32_t pieces, int64_t piece_bytes, float *out, \
        int64_t out_stride);

/* Declares the products of the backward pass, of a level that multiplies bfloat16. Weights are F32 or BF16 and stand
 * [k, columns]; both factors are rounded to bfloat16.
 *
 * gemm_kn_bytes  bytes of `rows` rows of `k` activations prepared for gemm_kn.
 * gemm_kn_x      prepares rows [from, to) of `rows`, `from` a multiple of 16; element i of row j is
 *                x[j * x_row + i * x_depth], where one of both steps is 1.
 * gemm_kn_tmp    bytes of scratch that gemm_kn needs for so many rows in [from, to), per thread.
 * gemm_kn        y[j * y_stride + c] = sum over i of x[j][i] * w[i][c] for c < columns and rows j in [from, to), `from`
 *                a multiple of 32; added to what is there, if `add`.
 */
#define M4J_GEMM_KN(L)                                                                                                 \
    MIXTRAL4J_EXPORT int64_t mixtral4j_##L##_gemm_kn_bytes(int64_t k, int32_t rows);                                   \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_gemm_kn_x(                                                                   \
        int64_t k, const float *x, int64_t x_row, int64_t x_depth, int32_t rows, int32_t from, int32_t to, void *out); \
    MIXTRAL4J_EXPORT int64_t mixtral4j_##L##_gemm_kn_tmp(int32_t rows);                                                \
    MIXTRAL4J_EXPORT void mixtral4j_##L##_gemm_kn(                                                                     \
        int32_t type, int64_t k, const void *w, int64_t stride, int32_t columns, const void *x, int32_t rows,          \
        int32_t from, int32_t to, float *y, int64_t y_stride, int32_t add, void *tmp);

M4J_LEVEL(scalar)
M4J_LEVEL(avx2)
M4J_LEVEL(avxvnni)
M4J_LEVEL(avx512vnni)
M4J_LEVEL(avx512)
M4J_LEVEL(amx)
M4J_LEVEL(neon)

M4J_GEMM_KN(scalar)
M4J_GEMM_KN(avx512)
M4J_GEMM_KN(amx)

#endif
