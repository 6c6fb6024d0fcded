/* Products with weights [k, n] at the level "avx512": 6 rows of activations by 4 registers of columns. */
#include "gemm_kn.h"

static void multiply(int pairs, const floats *w, const int32_t *x, int32_t rows, __m512 *sums) {
    for (int32_t j = 0; j < rows; j += ROWS) {
        multiply_floats(VECTORS, ROWS, 1, pairs, w, x + (int64_t)j * PAIRS, sums + (int64_t)j * VECTORS);
    }
}

GEMM_KN(avx512)
