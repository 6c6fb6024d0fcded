/* Products of many rows of activations: arithmetic sets the pace. 64 rows of weights are unpacked, lanes along the
 * rows, for 256 columns at a time, and meet up to 6 rows of activations at once: as bytes, with activations of 8 bits;
 * as pairs of bfloat16, if the product is to be precise or the weights are F16 or BF16; or, for F32 weights, as floats.
 */
#include "avx512_activations.h"
#include "avx512_products.h"
#include "avx512_tile.h"

/* 256 activations: `sums` of each group are integers times −excess for symmetric formats, else scaled floats. */
struct gemm_x {
    int8_t q[CHUNK];
    union {
        int32_t integers[16];
        float floats[16];
    } sums;
    float scale[16];
};

/* 16 rows × 256 columns of quantized weights, lanes along the rows. */
struct tile {
    __m512i q[CHUNK / 4];
    __m512 scale[2 * LANES]; /* of 8 or 16 groups, then their minimums */
};

/* Transposes what unpacking has left: row by row, four registers of quants and one or two of factors. */
static void gather(const __m512i *q, const __m512i *factors, int groups, struct tile *t) {
    transpose_rows(q, 4, t->q);
    transpose_rows(factors, groups / 8, (__m512i *)t->scale);
}

/* `n` of the 256 columns exist. Prefetches the columns after the next. */
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    static void bytes_##name(const uint8_t *w, int64_t stride, int rows, int n, struct tile *t) {                      \
        __m512i q[16][4], factors[16][groups / 8];                                                                     \
        memset(q[rows], 0, (size_t)(16 - rows) * sizeof q[0]);                                                         \
        memset(factors + rows, 0, (size_t)(16 - rows) * sizeof factors[0]);                                            \
        for (int r = 0; r < rows; r++, w += stride) {                                                                  \
            struct chunk c;                                                                                            \
            fetch_##name(w, n, &c);                                                                                    \
            memcpy(q[r], c.q, sizeof c.q);                                                                             \
            memcpy(factors[r], &c.scale, sizeof factors[0]);                                                           \
        }                                                                                                              \
        gather(q[0], factors[0], groups, t);                                                                           \
    }
QUANTIZED(X)
#undef X

/* `vectors` × 16 weight rows times `rows` rows of activations, 256 columns, added to `acc[row][vector]`. */
INLINE void multiply_tile(const int vectors, const int rows, const int groups, const int symmetric,
    const struct tile *t, const struct gemm_x *x, __m512 *acc) {
    const int quads = CHUNK / 4 / groups;
    for (int g = 0; g < groups; g++) {
        __m512i dot[ROWS][VECTORS];
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                dot[r][v] = symmetric ? _mm512_set1_epi32(x[r].sums.integers[g]) : _mm512_setzero_si512();
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < quads; i++) {
            __m512i q[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                q[v] = t[v].q[quads * g + i];
            }
#pragma GCC unroll 6
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, x[r].q + 4 * (quads * g + i), 4);
                __m512i xs = _mm512_set1_epi32(four);
#pragma GCC unroll 4
                for (int v = 0; v < vectors; v++) {
                    dot[r][v] = _mm512_dpbusd_epi32(dot[r][v], q[v], xs);
                }
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(dot[r][v]), _mm512_set1_ps(x[r].scale[g]));
                __m512 sum = _mm512_fmadd_ps(f, t[v].scale[g], acc[r * VECTORS + v]);
                if (!symmetric) {
                    sum = _mm512_fmadd_ps(t[v].scale[groups + g], _mm512_set1_ps(x[r].sums.floats[g]), sum);
                }
                acc[r * VECTORS + v] = sum;
            }
        }
    }
}

#define MULTIPLY(vectors, rows, ...)                                                                                   \
    switch (rows) {                                                                                                    \
    case 1: multiply(vectors, 1, __VA_ARGS__); break;                                                                  \
    case 2: multiply(vectors, 2, __VA_ARGS__); break;                                                                  \
    case 3: multiply(vectors, 3, __VA_ARGS__); break;                                                                  \
    case 4: multiply(vectors, 4, __VA_ARGS__); break;                                                                  \
    case 5: multiply(vectors, 5, __VA_ARGS__); break;                                                                  \
    default: multiply(vectors, 6, __VA_ARGS__); break;                                                                 \
    }

/* `vectors` registers of weight rows times all rows of activations, `step` of which belong to one row. */
#define PRODUCT(vectors, rows, t, x, step, ...)                                                                        \
    for (int32_t r = 0; r < rows; r += ROWS) {                                                                         \
        int n = rows - r < ROWS ? rows - r : ROWS;                                                                     \
        if (vectors == VECTORS) {                                                                                      \
            MULTIPLY(VECTORS, n, __VA_ARGS__, t, x + r * step, acc + r * VECTORS)                                      \
        } else {                                                                                                       \
            for (int v = 0; v < vectors; v++) {                                                                        \
                MULTIPLY(1, n, __VA_ARGS__, t + v, x + r * step, acc + r * VECTORS + v)                                \
            }                                                                                                          \
        }                                                                                                              \
    }

#define multiply multiply_tile
/* One function for each shape of the factors; `multiply` inside is specialized for each number of rows. */
#define TILE_PRODUCT(name, groups, symmetric)                                                                          \
    static void name(int vectors, int32_t rows, const struct tile *t, const struct gemm_x *x, __m512 *acc) {           \
        PRODUCT(vectors, rows, t, x, 1, groups, symmetric)                                                             \
    }
TILE_PRODUCT(symmetric_8, 8, 1)
TILE_PRODUCT(affine_8, 8, 0)
TILE_PRODUCT(symmetric_16, 16, 1)
TILE_PRODUCT(affine_16, 16, 0)
#define product_8(excess) ((excess) ? symmetric_8 : affine_8)
#define product_16(excess) ((excess) ? symmetric_16 : affine_16)
#undef multiply

/* Writes the sums of `w_rows` weight rows, for each row of activations VECTORS registers. */
static void store(const __m512 *acc, int32_t w_rows, int32_t rows, float *y, int64_t y_stride) {
    for (int32_t r = 0; r < rows; r++) {
        for (int v = 0; v * LANES < w_rows; v++) {
            _mm512_mask_storeu_ps(y + r * y_stride + v * LANES, first(w_rows - v * LANES), acc[r * VECTORS + v]);
        }
    }
}

typedef void unpack_bytes(const uint8_t *w, int64_t stride, int rows, int n, struct tile *t);
typedef void tile_product(int vectors, int32_t rows, const struct tile *t, const struct gemm_x *x, __m512 *acc);

/* 16 rows × 256 columns as pairs of bfloat16: t[i] holds columns 2 i and 2 i + 1 of all rows. */
#define X(name, ...)                                                                                                   \
    static void tile_##name(const uint8_t *w, int64_t stride, int rows, int n, __m512i *t) {                           \
        __m512i pairs[16][8];                                                                                          \
        memset(pairs[rows], 0, (size_t)(16 - rows) * sizeof pairs[0]);                                                 \
        for (int r = 0; r < rows; r++) {                                                                               \
            pairs_##name(w + r * stride, n, pairs[r]);                                                                 \
        }                                                                                                              \
        transpose_rows(pairs[0], 8, t);                                                                                \
    }
QUANTIZED(X)
X(f16)
X(bf16)
#undef X

typedef void unpack_pairs(const uint8_t *w, int64_t stride, int rows, int n, __m512i *t);

static void gemm_bytes(unpack_bytes *unpack, tile_product *product, int64_t chunk_bytes, int64_t k, const uint8_t *w,
    int64_t stride, int32_t w_rows, const struct gemm_x *x, int32_t rows, __m512 *acc) {
    struct tile tiles[VECTORS];
    int vectors = (w_rows + LANES - 1) / LANES;
    for (int64_t from = 0; from < k; from += CHUNK, w += chunk_bytes, x += rows) {
        int n = k - from < CHUNK ? (int)(k - from) : CHUNK;
        for (int v = 0; v < vectors; v++) {
            int left = w_rows - v * LANES;
            unpack(w + v * LANES * stride, stride, left < LANES ? left : LANES, n, tiles + v);
        }
        product(vectors, rows, tiles, x, acc);
    }
}

#define multiply multiply_floats
static void gemm_pairs(unpack_pairs *unpack, int64_t chunk_bytes, int64_t k, const uint8_t *w, int64_t stride,
    int32_t w_rows, const int32_t *x, int32_t rows, __m512 *acc) {
    floats t[VECTORS];
    int vectors = (w_rows + LANES - 1) / LANES;
    for (int64_t from = 0; from < k; from += CHUNK, w += chunk_bytes, x += rows * DEPTH) {
        int depth = k - from < CHUNK ? (int)(k - from) : CHUNK;
        for (int v = 0; v < vectors; v++) {
            int left = w_rows - v * LANES;
            unpack(w + v * LANES * stride, stride, left < LANES ? left : LANES, depth, t[v]);
        }
        PRODUCT(vectors, rows, t, x, DEPTH, 1, DEPTH)
    }
}

static void gemm_f32(
    int64_t k, const uint8_t *w, int64_t stride, int32_t w_rows, const int32_t *x, int32_t rows, __m512 *acc) {
    floats t[VECTORS];
    int vectors = (w_rows + LANES - 1) / LANES;
    for (int64_t from = 0; from < k; from += DEPTH, x += rows * DEPTH) {
        for (int v = 0; v < vectors; v++) {
            __m512i r[16][DEPTH / LANES];
            for (int i = 0; i < 16; i++) {
                int exists = v * LANES + i < w_rows;
                const uint8_t *row = w + (v * LANES + i) * stride + from * 4;
                for (int c = 0; c < DEPTH / LANES; c++) {
                    __mmask16 mask = exists ? first(k - from - c * LANES) : 0;
                    r[i][c] = (__m512i)load_f32(row + c * 64, mask);
                }
            }
            transpose_rows(r[0], DEPTH / LANES, t[v]);
        }
        PRODUCT(vectors, rows, t, x, DEPTH, 0, DEPTH)
    }
}
#undef multiply

/* Whether a product is one of bytes. */
static int of_bytes(int32_t type, int32_t precise) { return groups_of(type) && !precise; }

static int columns_of(int32_t type) { return type == M4J_F32 ? DEPTH : CHUNK; }

int64_t m4j_many_bytes(int32_t type, int32_t precise, int64_t k) {
    int64_t columns = columns_of(type);
    return of_bytes(type, precise) ? chunks_of(k) * (int64_t)sizeof(struct gemm_x)
                                   : (k + columns - 1) / columns * DEPTH * (int64_t)sizeof(float);
}

static void quantize_chunk(int groups, int excess, const float *v, struct gemm_x *out) {
    int n = CHUNK / groups;
    for (int g = 0; g < groups; g++) {
        int sum;
        out->scale[g] = quantize_group(v + n * g, n, 1, out->q + n * g, &sum);
        if (excess) {
            out->sums.integers[g] = (int32_t)-((uint32_t)excess * (uint32_t)sum); /* of infinities it may wrap */
        } else {
            out->sums.floats[g] = out->scale[g] * (float)sum;
        }
    }
}

/* A chunk of all rows, then the next. */
void m4j_many_x(int32_t type, int32_t precise, int64_t k, const float *x, int32_t row, int32_t rows, void *out) {
    if (of_bytes(type, precise)) {
        int groups = groups_of(type), excess = excess_of(type);
        for (int64_t from = 0, at = row; from < k; from += CHUNK, at += rows) {
            float buffer[CHUNK];
            quantize_chunk(groups, excess, padded(x, k, from, buffer), (struct gemm_x *)out + at);
        }
        return;
    }
    float *at = (float *)out + (int64_t)row * DEPTH;
    for (int64_t i = 0; i < k; i += columns_of(type), at += (int64_t)rows * DEPTH) {
        if (type != M4J_F32) {
            pairs_of_activations(x + i, k - i, (__m512i *)at);
            continue;
        }
        for (int c = 0; c < DEPTH; c += LANES) {
            _mm512_storeu_ps(at + c, _mm512_maskz_loadu_ps(first(k - i - c), x + i + c));
        }
    }
}

int64_t m4j_many_tmp(void) { return TILE * (int64_t)sizeof(float); }

void m4j_many(int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
    int32_t rows, float *y, int64_t y_stride, void *tmp) {
    __m512 *acc = tmp;
    int quantized = of_bytes(type, precise);
    for (int32_t from = 0; from < w_rows; from += TILE) {
        const uint8_t *tile = (const uint8_t *)w + from * stride;
        int32_t n = w_rows - from < TILE ? w_rows - from : TILE;
        memset(tmp, 0, (size_t)rows * TILE * sizeof(float));
        switch (type) {
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    case type:                                                                                                         \
        if (quantized) {                                                                                               \
            gemm_bytes(                                                                                                \
                bytes_##name, product_##groups(excess), CHUNK / block * bytes, k, tile, stride, n, x, rows, acc);      \
        } else {                                                                                                       \
            gemm_pairs(tile_##name, CHUNK / block * bytes, k, tile, stride, n, x, rows, acc);                          \
        }                                                                                                              \
        break;
            QUANTIZED(X)
#undef X
        case M4J_F16: gemm_pairs(tile_f16, CHUNK * 2, k, tile, stride, n, x, rows, acc); break;
        case M4J_BF16: gemm_pairs(tile_bf16, CHUNK * 2, k, tile, stride, n, x, rows, acc); break;
        case M4J_F32: gemm_f32(k, tile, stride, n, x, rows, acc); break;
        }
        store(acc, n, rows, y + from, y_stride);
    }
}
