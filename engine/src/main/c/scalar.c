/* The level "scalar": what every function means, in plain C. Weights become floats, sums are doubles, and prepared
 * activations are the activations. It gives the same bits as ScalarKernels, on every machine. */
#include "blocks.h"
#include "decode.h"
#include "mixtral4j.h"

#include <string.h>

/* Elements that are decoded at a time: a whole number of blocks of every format. */
enum { PIECE = 256 };

static double dot(const float *w, const float *x, int64_t n, double sum) {
    for (int64_t i = 0; i < n; i++) {
        sum += (double)w[i] * (double)x[i];
    }
    return sum;
}

int64_t mixtral4j_scalar_gemv_bytes(int32_t type, int64_t k) {
    (void)type;
    return m4j_lines(k * (int64_t)sizeof(float));
}

void mixtral4j_scalar_gemv_x(int32_t type, int64_t k, const float *x, void *out) {
    (void)type;
    memcpy(out, x, (size_t)k * sizeof(float));
}

void mixtral4j_scalar_gemv(
    int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y) {
    float piece[PIECE];
    for (int32_t r = 0; r < rows; r++) {
        const uint8_t *row = (const uint8_t *)w + r * stride;
        double sum = 0;
        for (int64_t from = 0; from < k; from += PIECE) {
            int64_t n = k - from < PIECE ? k - from : PIECE;
            m4j_decode(type, row + m4j_row_bytes(type, from), n, piece);
            sum = dot(piece, (const float *)x + from, n, sum);
        }
        y[r] = (float)sum;
    }
}

int64_t mixtral4j_scalar_gemm_bytes(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    (void)precise;
    return rows * mixtral4j_scalar_gemv_bytes(type, k);
}

void mixtral4j_scalar_gemm_x(
    int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride, int32_t rows, int32_t from, int32_t to,
    void *out) {
    (void)precise;
    (void)rows;
    int64_t bytes = mixtral4j_scalar_gemv_bytes(type, k);
    for (int32_t j = from; j < to; j++) {
        mixtral4j_scalar_gemv_x(type, k, x + j * x_stride, (uint8_t *)out + j * bytes);
    }
}

int64_t mixtral4j_scalar_gemm_tmp(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    (void)precise;
    (void)type;
    (void)rows;
    return m4j_lines(k * (int64_t)sizeof(float));
}

void mixtral4j_scalar_gemm(
    int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
    int32_t rows, float *y, int64_t y_stride, void *tmp) {
    (void)precise;
    int64_t bytes = mixtral4j_scalar_gemv_bytes(type, k);
    for (int32_t r = 0; r < w_rows; r++) {
        m4j_decode(type, (const uint8_t *)w + r * stride, k, tmp);
        for (int32_t j = 0; j < rows; j++) {
            y[j * y_stride + r] = (float)dot(tmp, (const float *)((const uint8_t *)x + j * bytes), k, 0);
        }
    }
}
