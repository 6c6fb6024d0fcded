/* The level "amx": products of 16 × 16 × 32 bfloat16 in tile registers; everything else as in "avx512".
 *
 * Weights become bfloat16 whatever their format, 64 rows × 1024 columns at a time, with the scales already in them, so
 * that sums stay in tiles of float32. 32 rows of activations meet 32 rows of weights: 4 tiles of sums, 2 of
 * activations, 2 of weights are the 8 that there are. F32 weights, batches too small to fill a tile, and
 * attention go to "avx512".
 */
#include "amx.h"
#include "avx512.h"

#define ROWS 16    /* rows of activations in a tile, and of weights */
#define TILE 64    /* weight rows that are unpacked together */
#define SPAN 4     /* chunks that are unpacked together: sums are loaded and stored once for 1024 columns */
#define PAIRS 128  /* pairs of bfloat16 in a chunk */
#define STEPS 8    /* tile products in a chunk */

/* Weights: rows of pairs in chunks, [row][chunk][128 pairs]. Activations: [chunk][group of 16 rows][128 pairs][row].
 * Sums: [group of 16 rows of activations][weight row][row of activations]. */
#define W_STRIDE (SPAN * PAIRS * 4)

/* 32 rows of weights × 32 rows of activations, over `chunks` chunks that are `x_chunk` registers apart. */
static void multiply_32x32(const __m512i *w, int chunks, const __m512i *x, int64_t x_chunk, __m512 *acc) {
    const __m512i *w1 = w + ROWS * SPAN * STEPS;
    /* The compiler does not know what memory a tile instruction reads and writes. */
    __asm__ volatile("" ::: "memory");
    tile_load(0, acc, 64);
    tile_load(1, acc + TILE, 64);
    tile_load(2, acc + ROWS, 64);
    tile_load(3, acc + ROWS + TILE, 64);
    for (int c = 0; c < chunks; c++) {
        for (int s = 0; s < STEPS; s++) {
            const __m512i *b = x + c * x_chunk + s * 16;
            tile_load(4, w + c * STEPS + s, W_STRIDE);
            tile_load(6, b, 64);
            tile_load(7, b + PAIRS, 64);
            tile_multiply(0, 4, 6);
            tile_load(5, w1 + c * STEPS + s, W_STRIDE);
            tile_multiply(1, 4, 7);
            tile_multiply(2, 5, 6);
            tile_multiply(3, 5, 7);
        }
    }
    tile_store(0, acc, 64);
    tile_store(1, acc + TILE, 64);
    tile_store(2, acc + ROWS, 64);
    tile_store(3, acc + ROWS + TILE, 64);
    __asm__ volatile("" ::: "memory");
}

typedef void unpack_pairs(const uint8_t *w, int n, __m512i *out);

/* `rows` of activations are padded to a multiple of 32. */
INLINE void gemm_pairs(unpack_pairs *unpack, int64_t chunk_bytes, int64_t k, const uint8_t *w, int64_t stride,
    int32_t w_rows, const __m512i *x, int32_t rows, __m512 *acc, __m512i *unpacked) {
    int32_t padded = (w_rows + 2 * ROWS - 1) / (2 * ROWS) * (2 * ROWS);
    int64_t x_chunk = (int64_t)rows / ROWS * PAIRS;
    memset(unpacked + (int64_t)w_rows * SPAN * STEPS, 0, (size_t)(padded - w_rows) * W_STRIDE);
    for (int64_t from = 0; from < k; from += SPAN * CHUNK, w += SPAN * chunk_bytes, x += SPAN * x_chunk) {
        int chunks = (int)((k - from + CHUNK - 1) / CHUNK);
        chunks = chunks < SPAN ? chunks : SPAN;
        for (int32_t r = 0; r < w_rows; r++) {
            for (int c = 0; c < chunks; c++) {
                int64_t n = k - from - c * CHUNK;
                unpack(w + r * stride + c * chunk_bytes, n < CHUNK ? (int)n : CHUNK,
                    unpacked + ((int64_t)r * SPAN + c) * STEPS);
            }
        }
        for (int32_t r = 0; r < rows; r += 2 * ROWS) {
            for (int32_t v = 0; v < padded; v += 2 * ROWS) {
                multiply_32x32(unpacked + (int64_t)v * SPAN * STEPS, chunks, x + (int64_t)r / ROWS * PAIRS, x_chunk,
                    acc + (int64_t)r / ROWS * TILE + v);
            }
        }
    }
}

static void store(__m512 *acc, int32_t w_rows, int32_t rows, float *y, int64_t y_stride) {
    for (int32_t from = 0; from < rows; from += ROWS, acc += TILE) {
        for (int32_t v = 0; v < w_rows; v += ROWS) {
            transpose((__m512i *)acc + v);
            for (int32_t r = 0; r < ROWS && from + r < rows; r++) {
                _mm512_mask_storeu_ps(y + (from + r) * y_stride + v, first(w_rows - v), acc[v + r]);
            }
        }
    }
}

/* Whether a product is made of tiles. Fewer rows would leave most of a tile empty. */
static int tiled(int32_t type, int32_t rows) { return type != M4J_F32 && rows >= ROWS; }

static int32_t padded_rows(int32_t rows) { return (rows + 2 * ROWS - 1) / (2 * ROWS) * (2 * ROWS); }

int64_t mixtral4j_amx_gemv_bytes(int32_t type, int64_t k) { return mixtral4j_avx512_gemv_bytes(type, k); }

void mixtral4j_amx_gemv_x(int32_t type, int64_t k, const float *x, void *out) {
    mixtral4j_avx512_gemv_x(type, k, x, out);
}

void mixtral4j_amx_gemv(int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y) {
    mixtral4j_avx512_gemv(type, k, w, stride, rows, x, y);
}

int64_t mixtral4j_amx_gemm_bytes(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    if (!tiled(type, rows)) {
        return mixtral4j_avx512_gemm_bytes(type, precise, k, rows);
    }
    return (k + CHUNK - 1) / CHUNK * padded_rows(rows) * PAIRS * 4;
}

void mixtral4j_amx_gemm_x(int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride, int32_t rows,
    int32_t from, int32_t to, void *out) {
    if (!tiled(type, rows)) {
        mixtral4j_avx512_gemm_x(type, precise, k, x, x_stride, rows, from, to, out);
        return;
    }
    int32_t stored = padded_rows(rows);
    __m512i pairs[ROWS][STEPS];
    for (int32_t r = from; r < (to == rows ? stored : to); r += ROWS) {
        __m512i *at = (__m512i *)out + (int64_t)r / ROWS * PAIRS;
        for (int64_t i = 0; i < k; i += CHUNK, at += (int64_t)stored / ROWS * PAIRS) {
            memset(pairs, 0, sizeof pairs);
            for (int j = 0; j < ROWS && r + j < rows; j++) {
                pairs_of_activations(x + (r + j) * x_stride + i, k - i, pairs[j]);
            }
            transpose_rows(pairs[0], STEPS, at);
        }
    }
}

int64_t mixtral4j_amx_gemm_tmp(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    if (!tiled(type, rows)) {
        return mixtral4j_avx512_gemm_tmp(type, precise, k, rows);
    }
    return (int64_t)padded_rows(rows) * TILE * 4 + (int64_t)TILE * W_STRIDE;
}

void mixtral4j_amx_gemm(int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows,
    const void *x, int32_t rows, float *y, int64_t y_stride, void *tmp) {
    if (!tiled(type, rows)) {
        mixtral4j_avx512_gemm(type, precise, k, w, stride, w_rows, x, rows, y, y_stride, tmp);
        return;
    }
    int32_t stored = padded_rows(rows);
    __m512 *acc = tmp;
    __m512i *unpacked = (__m512i *)(acc + (int64_t)stored / ROWS * TILE);
    for (int32_t from = 0; from < w_rows; from += TILE) {
        const uint8_t *tile = (const uint8_t *)w + from * stride;
        int32_t n = w_rows - from < TILE ? w_rows - from : TILE;
        memset(acc, 0, (size_t)stored * TILE * sizeof(float));
        tile_start();
        switch (type) {
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    case type:                                                                                                         \
        gemm_pairs(pairs_##name, CHUNK / block * bytes, k, tile, stride, n, x, stored, acc, unpacked);                 \
        break;
            QUANTIZED(X)
#undef X
        case M4J_F16: gemm_pairs(pairs_f16, CHUNK * 2, k, tile, stride, n, x, stored, acc, unpacked); break;
        case M4J_BF16: gemm_pairs(pairs_bf16, CHUNK * 2, k, tile, stride, n, x, stored, acc, unpacked); break;
        }
        tile_end();
        store(acc, n, rows, y + from, y_stride);
    }
}

int64_t mixtral4j_amx_attend_state(int64_t dim) { return mixtral4j_avx512_attend_state(dim); }

int64_t mixtral4j_amx_attend_tmp(int64_t dim, int32_t queries) { return mixtral4j_avx512_attend_tmp(dim, queries); }

void mixtral4j_amx_attend(int32_t type, int64_t dim, int32_t group, int32_t rows, const float *q, int64_t q_stride,
    int32_t position, const void *const *pages, int64_t keys, int64_t values, int32_t first, int32_t count,
    void *states, void *tmp) {
    mixtral4j_avx512_attend(
        type, dim, group, rows, q, q_stride, position, pages, keys, values, first, count, states, tmp);
}

void mixtral4j_amx_attend_merge(int64_t dim, int32_t group, int32_t rows, const void *states, int32_t pieces,
    int64_t piece_bytes, float *out, int64_t out_stride) {
    mixtral4j_avx512_attend_merge(dim, group, rows, states, pieces, piece_bytes, out, out_stride);
}
