/* Tiles of 64 weight rows as floats or as pairs of bfloat16, and their product with 6 rows of activations. */
#ifndef MIXTRAL4J_AVX512_TILE_H
#define MIXTRAL4J_AVX512_TILE_H

#include "avx512.h"

#define VECTORS 4                  /* registers of weight rows in a tile */
#define TILE (VECTORS * LANES)     /* weight rows of a tile */
#define ROWS 6                     /* rows of activations that a tile meets at once: 24 accumulators of 32 registers */
#define DEPTH 128                  /* lanes of 4 bytes of a tile of floats, or of pairs of bfloat16 */

/* DEPTH lanes of 4 bytes, a float or a pair of bfloat16, of 16 weight rows. */
typedef __m512i floats[DEPTH];

/* `vectors` × 16 weight rows times `rows` rows of activations, over the first `depth` lanes, added to
 * `acc[row][vector]`. */
INLINE void multiply_floats(
    const int vectors, const int rows, const int pairs, const int depth, const floats *t, const int32_t *x,
    __m512 *acc) {
    __m512 sum[ROWS][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            sum[r][v] = acc[r * VECTORS + v];
        }
    }
    for (int i = 0; i < depth; i++) {
        __m512i w[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            w[v] = t[v][i];
        }
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m512i xs = _mm512_set1_epi32(x[r * DEPTH + i]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                sum[r][v] = pairs ? _mm512_dpbf16_ps(sum[r][v], (__m512bh)w[v], (__m512bh)xs)
                                  : _mm512_fmadd_ps((__m512)w[v], (__m512)xs, sum[r][v]);
            }
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            acc[r * VECTORS + v] = sum[r][v];
        }
    }
}

#endif
