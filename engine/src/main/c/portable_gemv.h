/* gemv of portable.h, and gemm of few rows: one row of weights, lanes along k. */
#ifndef MIXTRAL4J_PORTABLE_GEMV_H
#define MIXTRAL4J_PORTABLE_GEMV_H

#include "portable_activations.h"

enum {
    PREFETCH = 1024, /* bytes ahead: the latency of memory at the speed of one core */
    FEW = 8          /* rows up to which unpacking weights for each of them costs less than turning them into tiles */
};

INLINE float sum_of(floats v) {
    float sum = 0;
    for (int i = 0; i < LANES; i++) {
        sum += v[i];
    }
    return sum;
}

/* Adds the product of 256 weights to two accumulators. */
INLINE void multiply_chunk(
    const struct chunk *c, int groups, int is_signed, const struct activations *x, floats *acc) {
    floats scale[GROUPS / LANES];
    for (int g = 0; g < groups; g += LANES) {
        floats factor = floats_at(x->scale + g);
        scale[g / LANES] = floats_at(c->scale + g) * factor;
        if (!is_signed) {
            acc[0] = fma_floats(floats_at(c->minimum + g) * factor, floats_at(x->sum + g), acc[0]);
        }
    }
    const int step = CHUNK / groups > WIDTH ? CHUNK / groups : WIDTH;
    for (int i = 0; i < CHUNK; i += step) {
        ints sum = {0};
        for (int b = i; b < i + step; b += WIDTH) {
            sum = products(sum, ints_at(c->q + b), ints_at(x->q + b), is_signed);
        }
        floats *at = acc + i / step % 2;
        *at = fma_floats(to_floats(total(sum, is_signed)), spread(scale, groups, i * groups / CHUNK), *at);
    }
}

/* `rows` rows of activations meet each row of weights while it is unpacked. */
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    INLINE void rows_##name(                                                                                           \
        const int32_t rows, int64_t k, const uint8_t *w, int64_t stride, int32_t w_rows, const struct activations *x,  \
        float *y, int64_t y_stride) {                                                                                  \
        enum { CHUNK_BYTES = CHUNK / block * bytes };                                                                  \
        for (int32_t r = 0; r < w_rows; r++, w += stride) {                                                            \
            floats acc[FEW][2] = {{{0}, {0}}};                                                                         \
            const struct activations *at = x;                                                                          \
            const uint8_t *b = w;                                                                                      \
            uint8_t padded[CHUNK_BYTES];                                                                               \
            struct chunk c;                                                                                            \
            for (int64_t i = 0; i < chunks_of(k); i++, b += CHUNK_BYTES) {                                             \
                for (int p = 0; p < CHUNK_BYTES; p += 64) {                                                            \
                    __builtin_prefetch((const void *)((uintptr_t)b + PREFETCH + (uintptr_t)p));                        \
                }                                                                                                      \
                unpack_##name(m4j_whole(b, (k - i * CHUNK) / block * bytes, CHUNK_BYTES, padded), &c);                 \
                for (int32_t j = 0; j < rows; j++, at++) {                                                             \
                    multiply_chunk(&c, groups, bound == 0, at, acc[j]);                                                \
                }                                                                                                      \
            }                                                                                                          \
            for (int32_t j = 0; j < rows; j++) {                                                                       \
                y[j * y_stride + r] = sum_of(acc[j][0] + acc[j][1]);                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void gemv_##name(                                                                                           \
        int64_t k, const uint8_t *w, int64_t stride, int32_t w_rows, const struct activations *x, int32_t rows,        \
        float *y, int64_t y_stride) {                                                                                  \
        if (rows == 1) {                                                                                               \
            rows_##name(1, k, w, stride, w_rows, x, y, y_stride);                                                      \
        } else {                                                                                                       \
            rows_##name(rows, k, w, stride, w_rows, x, y, y_stride);                                                   \
        }                                                                                                              \
    }
QUANTIZED(X)
#undef X

#define X(name, type, bytes)                                                                                           \
    static void gemv_##name(int64_t k, const uint8_t *w, int64_t stride, int32_t rows, const float *x, float *y) {     \
        for (int32_t r = 0; r < rows; r++, w += stride) {                                                              \
            floats acc[4] = {{0}, {0}, {0}, {0}};                                                                      \
            int64_t i = 0;                                                                                             \
            for (; i + 64 <= k; i += 64) {                                                                             \
                const uint8_t *b = w + i * bytes;                                                                      \
                for (int p = 0; p < 64 * bytes; p += 64) {                                                             \
                    __builtin_prefetch(b + PREFETCH + p);                                                              \
                }                                                                                                      \
                for (int j = 0; j < 64; j += LANES) {                                                                  \
                    floats *at = acc + j / LANES % 4;                                                                  \
                    *at = fma_floats(load_##name(b + j * bytes), floats_at(x + i + j), *at);                           \
                }                                                                                                      \
            }                                                                                                          \
            for (; i < k; i += LANES) {                                                                                \
                size_t n = (size_t)(k - i < LANES ? k - i : LANES);                                                    \
                uint8_t weights[LANES * bytes] = {0};                                                                  \
                float v[LANES] = {0};                                                                                  \
                memcpy(weights, w + i * bytes, n * bytes);                                                             \
                memcpy(v, x + i, n * sizeof(float));                                                                   \
                acc[0] = fma_floats(load_##name(weights), floats_at(v), acc[0]);                                       \
            }                                                                                                          \
            y[r] = sum_of((acc[0] + acc[1]) + (acc[2] + acc[3]));                                                      \
        }                                                                                                              \
    }
FLOATS(X)
#undef X

#endif
