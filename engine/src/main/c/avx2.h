/* 256-bit registers, for the levels that have no more: avx2, and those that add byte products to it. Functions that
 * portable.h wants, but for `products` and `total`. */
#ifndef MIXTRAL4J_AVX2_H
#define MIXTRAL4J_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LANES 8
#define WIDTH 32

typedef uint64_t words __attribute__((vector_size(WIDTH)));
typedef int32_t ints __attribute__((vector_size(WIDTH)));
typedef float floats __attribute__((vector_size(WIDTH)));

INLINE float half(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, 2);
    return _cvtsh_ss(h);
}

INLINE floats load_f16(const uint8_t *p) {
    return (floats)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

INLINE floats load_bf16(const uint8_t *p) {
    return (floats)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
}

INLINE floats load_s8(const uint8_t *p) {
    return (floats)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

/* Low nibbles of 16 bytes, then the high ones. */
INLINE words nibbles(const uint8_t *p, int from) {
    (void)from;
    words twice = (words)_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
    return (twice >> (words){0, 0, 4, 4}) & 0x0f0f0f0f0f0f0f0f;
}

/* Bit i of four bytes becomes all bits of byte i. */
INLINE words bits(const uint8_t *p, int from) {
    (void)from;
    int32_t four;
    memcpy(&four, p, 4);
    __m256i bytes = _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    __m256i copies = _mm256_shuffle_epi8(_mm256_set1_epi32(four), bytes);
    __m256i one = _mm256_set1_epi64x((int64_t)0x8040201008040201);
    return (words)_mm256_cmpeq_epi8(_mm256_and_si256(copies, one), one);
}

INLINE floats fma_floats(floats a, floats b, floats c) {
    return (floats)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

INLINE floats every_float(float value) {
    return (floats)_mm256_set1_ps(value);
}

INLINE ints every_int(int32_t value) {
    return (ints)_mm256_set1_epi32(value);
}

/* The factors of the lanes of a register of bytes, of `groups` per 256, that starts with group `g`. */
INLINE floats spread(const floats *factors, int groups, int g) {
    __m256i lanes = groups == 8 ? _mm256_setzero_si256() : _mm256_set_epi32(1, 1, 1, 1, 0, 0, 0, 0);
    lanes = _mm256_add_epi32(lanes, _mm256_set1_epi32(g % LANES));
    return (floats)_mm256_permutevar8x32_ps((__m256)factors[g / LANES], lanes);
}

/* The largest lane. */
INLINE float highest(floats v) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

INLINE void transpose(ints *rows) {
    __m256i t[8], *r = (__m256i *)rows;
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2x128_si256(r[i], r[i + 4], 0x20);
        t[i + 4] = _mm256_permute2x128_si256(r[i], r[i + 4], 0x31);
    }
    memcpy(rows, t, sizeof t);
}

#endif
