/* Tile registers: eight of 16 rows of 64 bytes.
 *
 * With MIXTRAL4J_EMULATE_AMX the tile instructions are plain C, so that any CPU with AVX-512 can test this file.
 *
 * Source: Intel, "Architecture Instruction Set Extensions Programming Reference", chapter 3.
 */
#ifndef MIXTRAL4J_AMX_H
#define MIXTRAL4J_AMX_H

#include <immintrin.h>
#include <stdint.h>

#ifdef MIXTRAL4J_EMULATE_AMX
static _Thread_local __m512i tiles[8][16];
#define tile_start() ((void)0)
#define tile_end() ((void)0)
#define tile_load(t, p, stride) (                                                                                      \
    {                                                                                                                  \
        for (int i = 0; i < 16; i++) tiles[t][i] = _mm512_loadu_si512((const char *)(p) + i * (stride));               \
    })
#define tile_store(t, p, stride) (                                                                                     \
    {                                                                                                                  \
        for (int i = 0; i < 16; i++) _mm512_storeu_si512((char *)(p) + i * (stride), tiles[t][i]);                     \
    })
#define tile_multiply(sum, a, b) (                                                                                     \
    {                                                                                                                  \
        for (int i = 0; i < 16; i++) {                                                                                 \
            for (int j = 0; j < 16; j++) {                                                                             \
                __m512i x = _mm512_set1_epi32(((const int32_t *)&tiles[a][i])[j]);                                     \
                tiles[sum][i] =                                                                                        \
                    (__m512i)_mm512_dpbf16_ps((__m512)tiles[sum][i], (__m512bh)x, (__m512bh)tiles[b][j]);              \
            }                                                                                                          \
        }                                                                                                              \
    })
#else
/* Palette 1: eight tiles of 16 rows of 64 bytes. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t columns[16];
    uint8_t rows[16];
} shapes = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
#define tile_start() _tile_loadconfig(&shapes)
#define tile_end() _tile_release()
#define tile_load(t, p, stride) _tile_loadd(t, p, stride)
#define tile_store(t, p, stride) _tile_stored(t, p, stride)
#define tile_multiply(sum, a, b) _tile_dpbf16ps(sum, a, b)
#endif

#endif
