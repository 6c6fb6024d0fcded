/* Products with weights [k, n] at the level "avx512": 6 rows of activations by 4 registers of columns. */
#include "gemm_kn.h"

#define ROWS 6

static void multiply(int pairs, const __m512i *w, const int32_t *x, int32_t rows, __m512 *sums) {
    for (int32_t j = 0; j < rows; j += ROWS, x += ROWS * PAIRS, sums += ROWS * VECTORS) {
        __m512 sum[ROWS][VECTORS];
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                sum[r][v] = sums[r * VECTORS + v];
            }
        }
        for (int p = 0; p < pairs; p++) {
            __m512bh columns[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                columns[v] = (__m512bh)w[p * VECTORS + v];
            }
#pragma GCC unroll 6
            for (int r = 0; r < ROWS; r++) {
                __m512bh two = (__m512bh)_mm512_set1_epi32(x[r * PAIRS + p]);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; v++) {
                    sum[r][v] = _mm512_dpbf16_ps(sum[r][v], columns[v], two);
                }
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < ROWS; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                sums[r * VECTORS + v] = sum[r][v];
            }
        }
    }
}

GEMM_KN(avx512)
