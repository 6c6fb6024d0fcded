/* The level "avx512": 512-bit registers, with the byte products of VNNI, the permutes of VBMI, and bfloat16. This file
 * chooses between the two ways to multiply of avx512_products.h. */
#include "avx512_products.h"
#include "mixtral4j.h"

/* Whether rows are few. Tiles take long to make, which pays when many rows share them; with weights of 16 bits they are
 * made sooner, and then multiplied as pairs. */
static int few(int32_t type, int32_t rows) { return rows <= (type == M4J_F16 || type == M4J_BF16 ? 8 : MOST_FEW); }

int64_t mixtral4j_avx512_gemv_bytes(int32_t type, int64_t k) { return m4j_few_bytes(type, 0, k); }

void mixtral4j_avx512_gemv_x(int32_t type, int64_t k, const float *x, void *out) {
    m4j_few_x(type, 0, k, x, 0, 1, out);
}

void mixtral4j_avx512_gemv(
    int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y) {
    m4j_few(type, 0, k, w, stride, rows, x, 1, y, 0);
}

int64_t mixtral4j_avx512_gemm_bytes(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    return rows * (few(type, rows) ? m4j_few_bytes(type, precise, k) : m4j_many_bytes(type, precise, k));
}

void mixtral4j_avx512_gemm_x(int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride,
    int32_t rows, int32_t from, int32_t to, void *out) {
    for (int32_t r = from; r < to; r++) {
        if (few(type, rows)) {
            m4j_few_x(type, precise, k, x + r * x_stride, r, rows, out);
        } else {
            m4j_many_x(type, precise, k, x + r * x_stride, r, rows, out);
        }
    }
}

int64_t mixtral4j_avx512_gemm_tmp(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    (void)precise;
    (void)k;
    return few(type, rows) ? 0 : rows * m4j_many_tmp();
}

void mixtral4j_avx512_gemm(int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows,
    const void *x, int32_t rows, float *y, int64_t y_stride, void *tmp) {
    if (few(type, rows)) {
        m4j_few(type, precise, k, w, stride, w_rows, x, rows, y, y_stride);
    } else {
        m4j_many(type, precise, k, w, stride, w_rows, x, rows, y, y_stride, tmp);
    }
}
