/* The program of the levels "avx2", "avxvnni", "avx512vnni" and "neon", over registers of GCC's vector extension. A level
 * includes it last, after it has defined
 *
 *   LEVEL(name)            its names
 *   LANES, WIDTH           lanes of 32 bits and bytes of a register
 *   VECTORS, RUN(bound)    registers of weight rows that gemm multiplies at once; products that `products` may add
 *   words, ints, floats    a register as lanes of uint64_t, int32_t and float
 *   INLINE and functions   half, load_f16, load_bf16, load_s8, nibbles, bits, products, total, fma_floats, every_float,
 *                          every_int, spread, highest, transpose
 *
 * gemv: one row of weights, lanes along k; so is gemm of few rows. Activations carry a scale for each 32.
 * gemm: 32 rows of weights are unpacked, lanes along the rows, for 256 columns at a time (12 KB, which stay in the
 *       first-level cache), and meet up to 6 rows of activations at once. Activations carry a scale for each 256. For
 *       a precise product, what rounding has lost is a second row of activations for each.
 *
 * Float weights are multiplied as floats. Attention has a program of its own, attend.h.
 */
#include "portable_formats.h"

#include "portable_gemm.h"
#include "portable_gemv.h"

#include "attend.h"

/* Rows of activations of a product of quantized weights. */
static int32_t stored_rows(int32_t type, int32_t precise, int32_t rows) {
    return groups_of(type) && precise ? 2 * rows : rows;
}

/* Whether gemm multiplies as gemv does. Tiles of float weights are made so fast that even two rows pay. */
static int few(int32_t type, int32_t precise, int32_t rows) {
    return groups_of(type) ? stored_rows(type, precise, rows) <= FEW : rows == 1;
}

/* Products of a few stored rows. */
static void gemv(
    int32_t type, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x, int32_t rows, float *y,
    int64_t y_stride) {
    switch (type) {
#define X(name, type, ...)                                                                                             \
        case type:                                                                                                     \
            gemv_##name(k, w, stride, w_rows, x, rows, y, y_stride);                                                   \
            break;
        QUANTIZED(X)
#undef X
#define X(name, type, bytes)                                                                                           \
        case type:                                                                                                     \
            gemv_##name(k, w, stride, w_rows, x, y);                                                                   \
            break;
        FLOATS(X)
#undef X
    }
}

/* Products of a tile of weights, added to `acc`. */
static void many(
    int32_t type, int64_t k, const uint8_t *w, int64_t stride, int32_t w_rows, const void *x, int32_t rows,
    floats *acc) {
    switch (type) {
#define PRODUCT(groups, bound) product_##groups##_##bound
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
        case type:                                                                                                     \
            gemm_quantized(                                                                                            \
                unpack_tile_##name, PRODUCT(groups, bound), CHUNK / block * bytes, k, w, stride, w_rows, x, rows,      \
                acc);                                                                                                  \
            break;
        QUANTIZED(X)
#undef X
#define X(name, type, bytes)                                                                                           \
        case type:                                                                                                     \
            gemm_##name(k, w, stride, w_rows, x, rows, acc);                                                           \
            break;
        FLOATS(X)
#undef X
    }
}

int64_t LEVEL(gemm_bytes)(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    if (groups_of(type)) {
        return chunks_of(k) * stored_rows(type, precise, rows) * (int64_t)sizeof(struct activations);
    }
    return (k + DEPTH - 1) / DEPTH * DEPTH * rows * (int64_t)sizeof(float);
}

/* A chunk of all rows, then the next chunk. */
void LEVEL(gemm_x)(
    int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride, int32_t rows, int32_t from, int32_t to,
    void *out) {
    int32_t stored = stored_rows(type, precise, rows);
    int span = few(type, precise, rows) ? 32 : CHUNK;
    for (int32_t r = from; r < to; r++) {
        const float *row = x + r * x_stride;
        if (groups_of(type)) {
            struct activations *at = (struct activations *)out + r;
            quantize_row(groups_of(type), span, row, k, stored, at);
            if (stored > rows) {
                quantize_rest(groups_of(type), span, row, k, stored, at, at + rows);
            }
            continue;
        }
        for (int64_t i = 0; i < k; i += DEPTH) {
            float *at = (float *)out + i * rows + r * (int64_t)DEPTH;
            size_t n = (size_t)(k - i < DEPTH ? k - i : DEPTH);
            memcpy(at, row + i, n * sizeof(float));
            memset(at + n, 0, (DEPTH - n) * sizeof(float));
        }
    }
}

int64_t LEVEL(gemm_tmp)(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    (void)k;
    return stored_rows(type, precise, rows) * (int64_t)TILE * (int64_t)sizeof(float);
}

void LEVEL(gemm)(
    int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
    int32_t rows, float *y, int64_t y_stride, void *tmp) {
    int32_t stored = stored_rows(type, precise, rows);
    for (int32_t from = 0; from < w_rows; from += TILE) {
        const uint8_t *tile = (const uint8_t *)w + from * stride;
        int32_t n = w_rows - from < TILE ? w_rows - from : TILE;
        if (few(type, precise, rows)) {
            gemv(type, k, tile, stride, n, x, stored, tmp, TILE);
        } else {
            memset(tmp, 0, (size_t)stored * TILE * sizeof(float));
            many(type, k, tile, stride, n, x, stored, tmp);
        }
        for (int32_t r = 0; r < rows; r++) {
            const float *sum = (const float *)tmp + r * (int64_t)TILE;
            const float *rest = sum + rows * (int64_t)TILE;
            for (int32_t i = 0; i < n; i++) {
                y[from + i + r * y_stride] = stored > rows ? sum[i] + rest[i] : sum[i];
            }
        }
    }
}

int64_t LEVEL(gemv_bytes)(int32_t type, int64_t k) {
    return LEVEL(gemm_bytes)(type, 0, k, 1);
}

void LEVEL(gemv_x)(int32_t type, int64_t k, const float *x, void *out) {
    LEVEL(gemm_x)(type, 0, k, x, 0, 1, 0, 1, out);
}

void LEVEL(gemv)(int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y) {
    gemv(type, k, w, stride, rows, x, 1, y, 0);
}
