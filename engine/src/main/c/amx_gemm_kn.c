/* Products with weights [k, n] at the level "amx": 32 rows of activations by 32 columns, 4 tiles of sums. */
#include "amx.h"
#include "gemm_kn.h"

#define BYTES_OF_ROW (VECTORS * 64)

static void multiply(int pairs, const floats *w, const int32_t *x, int32_t rows, __m512 *sums) {
    tile_start();
    for (int32_t j = 0; j < rows; j += 32) {
        const int32_t *upper = x + (int64_t)j * PAIRS, *lower = upper + 16 * PAIRS;
        for (int v = 0; v < VECTORS; v += 2) {
            __m512 *at = sums + (int64_t)j * VECTORS + v;
            /* The compiler does not know what memory a tile instruction reads and writes. */
            __asm__ volatile("" ::: "memory");
            tile_load(0, at, BYTES_OF_ROW);
            tile_load(1, at + 1, BYTES_OF_ROW);
            tile_load(2, at + 16 * VECTORS, BYTES_OF_ROW);
            tile_load(3, at + 16 * VECTORS + 1, BYTES_OF_ROW);
            for (int p = 0; p < pairs; p += STEP) {
                tile_load(4, upper + p, PAIRS * 4);
                tile_load(6, w[v] + p, 64);
                tile_load(7, w[v + 1] + p, 64);
                tile_multiply(0, 4, 6);
                tile_load(5, lower + p, PAIRS * 4);
                tile_multiply(1, 4, 7);
                tile_multiply(2, 5, 6);
                tile_multiply(3, 5, 7);
            }
            tile_store(0, at, BYTES_OF_ROW);
            tile_store(1, at + 1, BYTES_OF_ROW);
            tile_store(2, at + 16 * VECTORS, BYTES_OF_ROW);
            tile_store(3, at + 16 * VECTORS + 1, BYTES_OF_ROW);
            __asm__ volatile("" ::: "memory");
        }
    }
    tile_end();
}

GEMM_KN(amx)
