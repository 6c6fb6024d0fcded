/* Products with weights that stand [k, n], as the backward pass needs them: y[j][c] = Σ x[j][i] · w[i][c], both factors
 * rounded to bfloat16. 64 columns of weights become pairs of two neighbours along k, 256 deep, and stay in the caches
 * while all rows of activations meet them. A level that includes this file defines `multiply` before.
 *
 * Activations: [chunk][row][128 pairs], rows rounded up to whole tiles. Weights: [4 registers][pair]. Sums: [row][4].
 */
#ifndef MIXTRAL4J_GEMM_KN_H
#define MIXTRAL4J_GEMM_KN_H

#include "avx512_tile.h"

enum {
    PAIRS = DEPTH,
    COLUMNS = TILE,
    STEP = 16,
    SPARE = 8,
    AHEAD = 16 /* rows that memory is asked for before they are needed: it sees no stream in 256 bytes of each */
};

/* Adds the products of `pairs`, a multiple of STEP, to the sums of `rows` rows; more rows may be read, and their sums
 * written, up to the next multiple of 32 or SPARE more than `rows`. */
static void multiply(int pairs, const floats *w, const int32_t *x, int32_t rows, __m512 *sums);

static int64_t stored_rows(int32_t rows) { return ((int64_t)rows + 31) / 32 * 32; }

static int whole_steps(int64_t k) { return k >= CHUNK ? PAIRS : (int)((k + 2 * STEP - 1) / (2 * STEP) * STEP); }

/* Bytes of prepared activations; the last chunk may be read beyond its rows. */
static int64_t prepared_bytes(int64_t k, int32_t rows) {
    return ((k + CHUNK - 1) / CHUNK * stored_rows(rows) + SPARE) * PAIRS * (int64_t)sizeof(int32_t);
}

static int64_t scratch_bytes(int32_t rows) {
    return (PAIRS * VECTORS + (stored_rows(rows) + SPARE) * VECTORS) * (int64_t)sizeof(__m512i);
}

/* 16 neighbours along k of 2 rows each: the first in the lower halves. */
INLINE __m512i interleave(__m512 even, __m512 odd) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
        5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, pair(even, odd));
}

/* Activations that stand [k, row], 16 rows of one chunk of which `n` exist. */
static void prepare_columns(const float *x, int64_t x_depth, int64_t k, __mmask16 mask, int32_t n, int32_t *out) {
    for (int p = 0; p < PAIRS; p += 16) {
        __m512i r[16];
        for (int i = 0; i < 16; i++) {
            int64_t at = 2 * (p + i);
            __m512 even = at < k ? _mm512_maskz_loadu_ps(mask, x + at * x_depth) : _mm512_setzero_ps();
            __m512 odd = at + 1 < k ? _mm512_maskz_loadu_ps(mask, x + (at + 1) * x_depth) : _mm512_setzero_ps();
            r[i] = interleave(even, odd);
        }
        transpose(r);
        for (int32_t j = 0; j < n; j++) {
            _mm512_storeu_si512(out + j * PAIRS + p, r[j]);
        }
    }
}

static void prepare(
    int64_t k, const float *x, int64_t x_row, int64_t x_depth, int32_t rows, int32_t from, int32_t to, int32_t *out) {
    int64_t chunk = stored_rows(rows) * PAIRS;
    for (int64_t i = 0; i < k; i += CHUNK, out += chunk) {
        if (x_depth == 1) {
            for (int32_t j = from; j < to; j++) {
                pairs_of_activations(x + j * x_row + i, k - i, (__m512i *)(out + (int64_t)j * PAIRS));
            }
            continue;
        }
        for (int32_t j = from; j < to; j += LANES) {
            int32_t n = to - j < LANES ? to - j : LANES;
            prepare_columns(x + i * x_depth + j, x_depth, k - i, first(n), n, out + (int64_t)j * PAIRS);
        }
    }
}

INLINE __m512 load_weights(int32_t type, const uint8_t *w, int64_t column, __mmask16 mask) {
    return type == M4J_F32 ? load_f32(w + column * 4, mask) : load_bf16(w + column * 2, mask);
}

INLINE void prefetch_row(const void *rows, int64_t index, int64_t stride, int64_t bytes) {
    uintptr_t row = (uintptr_t)rows + (uintptr_t)(index * stride);
    for (int64_t b = 0; b < bytes; b += 64) {
        _mm_prefetch((const char *)(row + (uintptr_t)b), _MM_HINT_T0);
    }
}

static void pack(int32_t type, int64_t k, const uint8_t *w, int64_t stride, int64_t columns, floats *out) {
    int64_t row_bytes = COLUMNS * (type == M4J_F32 ? 4 : 2);
    for (int p = 0; p < whole_steps(k); p++) {
        prefetch_row(w, 2 * p + AHEAD, stride, row_bytes);
        prefetch_row(w, 2 * p + 1 + AHEAD, stride, row_bytes);
        for (int v = 0; v < VECTORS; v++) {
            __mmask16 mask = first(columns - v * LANES);
            const uint8_t *row = w + 2 * p * stride;
            __m512 even = 2 * p < k ? load_weights(type, row, v * LANES, mask) : _mm512_setzero_ps();
            __m512 odd = 2 * p + 1 < k ? load_weights(type, row + stride, v * LANES, mask) : _mm512_setzero_ps();
            out[v][p] = interleave(even, odd);
        }
    }
}

static void product(int32_t type, int64_t k, const uint8_t *w, int64_t stride, int32_t columns, const int32_t *x,
    int64_t x_chunk, int32_t rows, float *y, int64_t y_stride, int32_t add, void *tmp) {
    floats *packed = tmp;
    __m512 *sums = (__m512 *)(packed + VECTORS);
    int64_t width = type == M4J_F32 ? 4 : 2;
    for (int32_t c = 0; c < columns; c += COLUMNS) {
        memset(sums, 0, (size_t)rows * VECTORS * sizeof *sums);
        const int32_t *at = x;
        for (int64_t i = 0; i < k; i += CHUNK, at += x_chunk) {
            pack(type, k - i, w + i * stride + c * width, stride, columns - c, packed);
            multiply(whole_steps(k - i), packed, at, rows, sums);
        }
        for (int32_t j = 0; j < rows; j++) {
            prefetch_row(y + c, j + AHEAD, y_stride * 4, COLUMNS * 4);
            for (int v = 0; v < VECTORS; v++) {
                __mmask16 mask = first(columns - c - v * LANES);
                float *to = y + j * y_stride + c + v * LANES;
                __m512 sum = sums[j * VECTORS + v];
                sum = add ? _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, to)) : sum;
                _mm512_mask_storeu_ps(to, mask, sum);
            }
        }
    }
}

/* The functions of a level. */
#define GEMM_KN(L)                                                                                                     \
    int64_t mixtral4j_##L##_gemm_kn_bytes(int64_t k, int32_t rows) { return prepared_bytes(k, rows); }                 \
    void mixtral4j_##L##_gemm_kn_x(int64_t k, const float *x, int64_t x_row, int64_t x_depth, int32_t rows,            \
        int32_t from, int32_t to, void *out) {                                                                         \
        prepare(k, x, x_row, x_depth, rows, from, to, out);                                                            \
    }                                                                                                                  \
    int64_t mixtral4j_##L##_gemm_kn_tmp(int32_t rows) { return scratch_bytes(rows); }                                  \
    void mixtral4j_##L##_gemm_kn(int32_t type, int64_t k, const void *w, int64_t stride, int32_t columns,              \
        const void *x, int32_t rows, int32_t from, int32_t to, float *y, int64_t y_stride, int32_t add, void *tmp) {   \
        product(type, k, w, stride, columns, (const int32_t *)x + (int64_t)from * PAIRS, stored_rows(rows) * PAIRS,    \
            to - from, y + from * y_stride, y_stride, add, tmp);                                                       \
    }

#endif
