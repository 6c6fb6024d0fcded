/* gemm of portable.h: a tile of weights is unpacked, lanes along the rows, and meets all activations. */
#ifndef MIXTRAL4J_PORTABLE_GEMM_H
#define MIXTRAL4J_PORTABLE_GEMM_H

#include "portable_activations.h"

enum {
    TILE = 32,               /* weight rows of a tile */
    STRIP = VECTORS * LANES, /* weight rows of the micro-kernel */
    ROWS = 6,                /* rows of activations of the micro-kernel; MULTIPLY lists them */
    DEPTH = 64               /* columns of float weights that are unpacked at a time */
};

/* ---- tiles ------------------------------------------------------------------------------------------------------- */

/* LANES rows × 256 columns of quantized weights, lanes along the rows. */
struct tile {
    ints q[CHUNK / 4];
    floats scale[GROUPS], minimum[GROUPS];
};

/* Transposes `n` elements of 4 bytes of LANES rows, each a struct chunk. */
INLINE void gather_field(const void *rows, int n, void *to) {
    ints r[LANES];
    for (int from = 0; from < n; from += LANES) {
        for (int i = 0; i < LANES; i++) {
            r[i] = ints_at((const uint8_t *)rows + i * sizeof(struct chunk) + from * 4);
        }
        transpose(r);
        memcpy((ints *)to + from, r, sizeof r);
    }
}

static void gather(const struct chunk *rows, int groups, struct tile *t) {
    gather_field(rows->q, CHUNK / 4, t->q);
    gather_field(rows->scale, groups, t->scale);
    gather_field(rows->minimum, groups, t->minimum);
}

/* `rows` of the LANES rows and `columns` of the 256 columns exist. Prefetches the columns after the next. */
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    static void unpack_tile_##name(const uint8_t *w, int64_t stride, int rows, int64_t columns, struct tile *t) {      \
        enum { CHUNK_BYTES = CHUNK / block * bytes };                                                                  \
        struct chunk c[LANES];                                                                                         \
        uint8_t padded[CHUNK_BYTES];                                                                                   \
        for (int r = 0; r < LANES; r++) {                                                                              \
            if (r >= rows) {                                                                                           \
                memset(c + r, 0, sizeof *c);                                                                           \
                continue;                                                                                              \
            }                                                                                                          \
            const uint8_t *b = w + r * stride;                                                                         \
            for (int p = 0; p < CHUNK_BYTES; p += 64) {                                                                \
                __builtin_prefetch(b + 2 * CHUNK_BYTES + p, 0, 2);                                                     \
            }                                                                                                          \
            unpack_##name(m4j_whole(b, columns / block * bytes, CHUNK_BYTES, padded), c + r);                          \
        }                                                                                                              \
        gather(c, groups, t);                                                                                          \
    }
QUANTIZED(X)
#undef X

/* ---- micro-kernels ----------------------------------------------------------------------------------------------- */

/* STRIP weight rows times `rows` rows of activations, 256 columns, added to `acc[row][vector]`. */
INLINE void multiply_tile(
    const int rows, const int groups, const int bound, const struct tile *t, const struct activations *x, floats *acc) {
    floats part[ROWS][VECTORS] = {0};
    const int is_signed = bound == 0, quads = CHUNK / 4 / groups;
    const int run = is_signed || RUN(bound) > quads ? quads : RUN(bound);
    for (int g = 0; g < groups; g++) {
        ints dot[ROWS][VECTORS] = {0};
        for (int i = g * quads; i < (g + 1) * quads; i += run) {
            ints sum[ROWS][VECTORS] = {0};
#pragma GCC unroll 1 /* unrolled, GCC would keep all products to add them as a tree */
            for (int j = i; j < i + run; j++) {
#pragma GCC unroll 6
                for (int r = 0; r < rows; r++) {
                    int32_t four;
                    memcpy(&four, x[r].q + 4 * j, sizeof four);
#pragma GCC unroll 4
                    for (int v = 0; v < VECTORS; v++) {
                        sum[r][v] = products(sum[r][v], t[v].q[j], every_int(four), is_signed);
                    }
                }
            }
#pragma GCC unroll 6
            for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; v++) {
                    dot[r][v] += total(sum[r][v], is_signed);
                }
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                floats p = fma_floats(to_floats(dot[r][v]), t[v].scale[g], part[r][v]);
                part[r][v] = is_signed ? p : fma_floats(t[v].minimum[g], every_float(x[r].sum[g]), p);
            }
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            floats *at = acc + r * (TILE / LANES) + v;
            *at = fma_floats(part[r][v], every_float(x[r].scale[0]), *at);
        }
    }
}

/* The same for DEPTH columns of floats. */
INLINE void multiply_floats(const int rows, const floats (*t)[DEPTH], const float *x, floats *acc) {
    floats sum[ROWS][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            sum[r][v] = acc[r * (TILE / LANES) + v];
        }
    }
    for (int i = 0; i < DEPTH; i++) {
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                sum[r][v] = fma_floats(t[v][i], every_float(x[r * DEPTH + i]), sum[r][v]);
            }
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            acc[r * (TILE / LANES) + v] = sum[r][v];
        }
    }
}

/* Specializes a micro-kernel for each number of rows. */
#define MULTIPLY(multiply, rows, ...)                                                                                  \
    switch (rows) {                                                                                                    \
        case 1:                                                                                                        \
            multiply(1, __VA_ARGS__);                                                                                  \
            break;                                                                                                     \
        case 2:                                                                                                        \
            multiply(2, __VA_ARGS__);                                                                                  \
            break;                                                                                                     \
        case 3:                                                                                                        \
            multiply(3, __VA_ARGS__);                                                                                  \
            break;                                                                                                     \
        case 4:                                                                                                        \
            multiply(4, __VA_ARGS__);                                                                                  \
            break;                                                                                                     \
        case 5:                                                                                                        \
            multiply(5, __VA_ARGS__);                                                                                  \
            break;                                                                                                     \
        default:                                                                                                       \
            multiply(ROWS, __VA_ARGS__);                                                                               \
    }

/* A tile times all rows of activations: a function for each shape of the factors. */
#define TILE_PRODUCT(groups, bound)                                                                                    \
    static void product_##groups##_##bound(                                                                            \
        int32_t w_rows, int32_t rows, const struct tile *t, const struct activations *x, floats *acc) {                \
        for (int32_t r = 0; r < rows; r += ROWS, acc += ROWS * (TILE / LANES)) {                                       \
            for (int v = 0; v * LANES < w_rows; v += VECTORS) {                                                        \
                MULTIPLY(multiply_tile, rows - r, groups, bound, t + v, x + r, acc + v)                                \
            }                                                                                                          \
        }                                                                                                              \
    }
TILE_PRODUCT(8, 15)
TILE_PRODUCT(8, 31)
TILE_PRODUCT(8, 0)
TILE_PRODUCT(16, 7)
TILE_PRODUCT(16, 63)

static void product_floats(int32_t w_rows, int32_t rows, const floats (*t)[DEPTH], const float *x, floats *acc) {
    for (int32_t r = 0; r < rows; r += ROWS, x += ROWS * DEPTH, acc += ROWS * (TILE / LANES)) {
        for (int v = 0; v * LANES < w_rows; v += VECTORS) {
            MULTIPLY(multiply_floats, rows - r, t + v, x, acc + v)
        }
    }
}

/* ---- up to TILE rows of weights ---------------------------------------------------------------------------------- */

typedef void unpack_tile(const uint8_t *w, int64_t stride, int rows, int64_t columns, struct tile *t);
typedef void tile_product(
    int32_t w_rows, int32_t rows, const struct tile *t, const struct activations *x, floats *acc);

static void gemm_quantized(
    unpack_tile *unpack, tile_product *product, int64_t chunk_bytes, int64_t k, const uint8_t *w, int64_t stride,
    int32_t w_rows, const struct activations *x, int32_t rows, floats *acc) {
    struct tile tiles[TILE / LANES];
    for (int64_t from = 0; from < k; from += CHUNK, w += chunk_bytes, x += rows) {
        for (int r = 0; r < (w_rows + STRIP - 1) / STRIP * STRIP; r += LANES) {
            unpack(w + r * stride, stride, w_rows - r, k - from, tiles + r / LANES);
        }
        product(w_rows, rows, tiles, x, acc);
    }
}

#define X(name, type, bytes)                                                                                           \
    static void gemm_##name(                                                                                           \
        int64_t k, const uint8_t *w, int64_t stride, int32_t w_rows, const float *x, int32_t rows, floats *acc) {      \
        floats t[TILE / LANES][DEPTH];                                                                                 \
        for (int64_t from = 0; from < k; from += DEPTH, x += (int64_t)rows * DEPTH) {                                  \
            for (int r = 0; r < (w_rows + STRIP - 1) / STRIP * STRIP; r += LANES) {                                    \
                for (int c = 0; c < DEPTH; c += LANES) {                                                               \
                    int64_t n = k - from - c;                                                                          \
                    ints part[LANES];                                                                                  \
                    for (int i = 0; i < LANES; i++) {                                                                  \
                        const uint8_t *b = w + (r + i) * stride + (from + c) * bytes;                                  \
                        uint8_t padded[LANES * bytes];                                                                 \
                        __builtin_prefetch(b + 2 * DEPTH * bytes, 0, 2);                                               \
                        b = m4j_whole(b, r + i < w_rows && n > 0 ? n * bytes : 0, LANES * bytes, padded);              \
                        part[i] = (ints)load_##name(b);                                                                \
                    }                                                                                                  \
                    transpose(part);                                                                                   \
                    memcpy(t[r / LANES] + c, part, sizeof part);                                                       \
                }                                                                                                      \
            }                                                                                                          \
            product_floats(w_rows, rows, (const floats(*)[DEPTH])t, x, acc);                                           \
        }                                                                                                              \
    }
FLOATS(X)
#undef X

#endif
