/* Attention at the level "avx512". attend.h is its program. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LEVEL(name) mixtral4j_avx512_##name
#define LANES 16
#define VECTORS 4 /* 24 accumulators, 4 registers of keys or values and 1 of queries, of 32 registers */

typedef int32_t ints __attribute__((vector_size(64)));
typedef float floats __attribute__((vector_size(64)));

INLINE float half(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, 2);
    return _cvtsh_ss(h);
}

INLINE floats floats_at(const void *p) {
    return (floats)_mm512_loadu_ps(p);
}

INLINE floats load_f16(const uint8_t *p) {
    return (floats)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

INLINE floats load_s8(const uint8_t *p) {
    return (floats)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

INLINE floats fma_floats(floats a, floats b, floats c) {
    return (floats)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

INLINE floats every_float(float value) {
    return (floats)_mm512_set1_ps(value);
}

INLINE float highest(floats v) {
    return _mm512_reduce_max_ps((__m512)v);
}

#include "attend.h"
