/* How each format becomes 512-bit registers.
 *
 * Every quantized weight is scale·q + minimum, with an unsigned byte q and a scale and a minimum per group of 32 or 16
 * weights (symmetric formats: minimum = −excess·scale).
 */
#ifndef MIXTRAL4J_AVX512_FORMATS_H
#define MIXTRAL4J_AVX512_FORMATS_H

#include <immintrin.h>
#include <string.h>

#include "blocks.h"

#define INLINE static inline __attribute__((always_inline))
#define LANES 16

/* 256 weights of a row. With 8 groups, `scale` holds the scales in lanes 0-7 and the minimums in lanes 8-15; with 16
 * groups it holds the scales, and `minimum` the minimums. */
struct chunk {
    __m512i q[4];
    __m512 scale, minimum;
};

/* Shift controls for multishift: the lower and the upper 256 bits, or alternating 128 bits, shifted right by two
 * different counts (each byte is then masked, so that what comes from its neighbour does not matter). */
INLINE __m512i halves(int low, int high) {
    const long long step = 0x3830282018100800LL;
    const long long one = 0x0101010101010101LL;
    __m512i base = _mm512_set1_epi64(step);
    __m512i l = _mm512_set1_epi64(one * low), h = _mm512_set1_epi64(one * high);
    return _mm512_add_epi8(base, _mm512_mask_blend_epi64(0xf0, l, h));
}

INLINE __m512i quarters(int low, int high) {
    const long long one = 0x0101010101010101LL;
    __m512i base = _mm512_set1_epi64(0x3830282018100800LL);
    __m512i l = _mm512_set1_epi64(one * low), h = _mm512_set1_epi64(one * high);
    return _mm512_add_epi8(base, _mm512_mask_blend_epi64(0xcc, l, h));
}

INLINE __m512i load32(const uint8_t *p) { return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)p)); }

/* Bit `low` of 32 bytes for the lower half, `high` for the upper half. */
INLINE __mmask64 bits(__m512i bytes, int low, int high) {
    __m512i select = _mm512_mask_blend_epi64(0xf0, _mm512_set1_epi8((char)(1 << low)), _mm512_set1_epi8((char)(1 << high)));
    return _mm512_test_epi8_mask(bytes, select);
}

INLINE float half(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, 2);
    return _cvtsh_ss(h);
}

INLINE __m512 lower_upper(float lower, float upper) {
    return _mm512_mask_blend_ps(0xff00, _mm512_set1_ps(lower), _mm512_set1_ps(upper));
}

/* The 6-bit scales and minimums of Q4_K and Q5_K, from the first 16 bytes of a block. */
INLINE __m512 k_scales(const uint8_t *b) {
    uint64_t head, tail;
    memcpy(&head, b, 8);
    memcpy(&tail, b + 8, 8);
    uint64_t scales = (head >> 32 & 0x3f3f3f3f) | (tail & 0x0f0f0f0f00000000) | (head >> 2 & 0x3030303000000000);
    uint64_t minimums = (tail & 0x3f3f3f3f) | (tail >> 4 & 0x0f0f0f0f00000000) | (tail << 30 & 0x3030303000000000);
    __m128i bytes = _mm_set_epi64x((long long)minimums, (long long)scales);
    __m128 factors = _mm_cvtph_ps(_mm_cvtsi32_si128((int)head));
    const __m512i spread = _mm512_set_epi32(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    __m512 s = _mm512_permutexvar_ps(spread, _mm512_castps128_ps512(factors));
    s = _mm512_mask_sub_ps(s, 0xff00, _mm512_setzero_ps(), s);
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)), s);
}

INLINE void unpack_q4_k(const uint8_t *b, struct chunk *c) {
    c->scale = k_scales(b);
    for (int j = 0; j < 4; j++) {
        c->q[j] = _mm512_and_si512(
            _mm512_multishift_epi64_epi8(halves(0, 4), load32(b + 16 + 32 * j)), _mm512_set1_epi8(15));
    }
}

INLINE void unpack_q5_k(const uint8_t *b, struct chunk *c) {
    c->scale = k_scales(b);
    __m512i fifth = load32(b + 16);
    for (int j = 0; j < 4; j++) {
        __m512i low = _mm512_and_si512(
            _mm512_multishift_epi64_epi8(halves(0, 4), load32(b + 48 + 32 * j)), _mm512_set1_epi8(15));
        c->q[j] = _mm512_mask_add_epi8(low, bits(fifth, 2 * j, 2 * j + 1), low, _mm512_set1_epi8(16));
    }
}

INLINE void unpack_q6_k(const uint8_t *b, struct chunk *c) {
    __m512i scales = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(b + 192)));
    c->scale = _mm512_mul_ps(_mm512_cvtepi32_ps(scales), _mm512_set1_ps(half(b + 208)));
    c->minimum = _mm512_mul_ps(c->scale, _mm512_set1_ps(-32));
    for (int a = 0; a < 2; a++) {
        __m512i low = _mm512_loadu_si512(b + 64 * a);
        __m512i high = load32(b + 128 + 32 * a);
        for (int j = 0; j < 2; j++) {
            __m512i nibbles = _mm512_and_si512(j ? _mm512_srli_epi16(low, 4) : low, _mm512_set1_epi8(15));
            /* The two bits, moved to bits 4 and 5: shifting right by 60 in a rotation of 64 is shifting left by 4. */
            __m512i upper = _mm512_multishift_epi64_epi8(j ? halves(0, 2) : halves(60, 62), high);
            c->q[2 * a + j] = _mm512_or_si512(nibbles, _mm512_and_si512(upper, _mm512_set1_epi8(0x30)));
        }
    }
}

INLINE __m512i two_bits(const uint8_t *p, int j) {
    __m512i shifted = _mm512_multishift_epi64_epi8(j % 2 ? halves(4, 6) : halves(0, 2), load32(p + 32 * (j / 2)));
    return _mm512_and_si512(shifted, _mm512_set1_epi8(3));
}

INLINE void unpack_q2_k(const uint8_t *b, struct chunk *c) {
    __m128i groups = _mm_loadu_si128((const __m128i *)b);
    __m128i low = _mm_and_si128(groups, _mm_set1_epi8(15));
    __m128i high = _mm_and_si128(_mm_srli_epi16(groups, 4), _mm_set1_epi8(15));
    c->scale = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(low)), _mm512_set1_ps(half(b + 80)));
    c->minimum = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(high)), _mm512_set1_ps(-half(b + 82)));
    for (int j = 0; j < 4; j++) {
        c->q[j] = two_bits(b + 16, j);
    }
}

INLINE void unpack_q3_k(const uint8_t *b, struct chunk *c) {
    uint64_t low;
    uint32_t high;
    memcpy(&low, b + 96, 8);
    memcpy(&high, b + 104, 4);
    uint64_t s0 = (low & 0x0f0f0f0f0f0f0f0f) | (uint64_t)(high << 4 & 0x30303030) |
                  (uint64_t)(high << 2 & 0x30303030) << 32;
    uint64_t s1 = (low >> 4 & 0x0f0f0f0f0f0f0f0f) | (uint64_t)(high & 0x30303030) |
                  (uint64_t)(high >> 2 & 0x30303030) << 32;
    __m128i bytes = _mm_sub_epi8(_mm_set_epi64x((long long)s1, (long long)s0), _mm_set1_epi8(32));
    c->scale = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)), _mm512_set1_ps(half(b + 108)));
    c->minimum = _mm512_mul_ps(c->scale, _mm512_set1_ps(-4));
    __m512i third = load32(b);
    for (int j = 0; j < 4; j++) {
        __m512i q = two_bits(b + 32, j);
        c->q[j] = _mm512_mask_add_epi8(q, bits(third, 2 * j, 2 * j + 1), q, _mm512_set1_epi8(4));
    }
}

/* Eight blocks of 32 weights: float16 numbers at the start of each become eight lanes. */
INLINE __m256 halves_of_blocks(const uint8_t *b, int block_bytes) {
    uint16_t h[8];
    for (int i = 0; i < 8; i++) {
        memcpy(h + i, b + i * block_bytes, 2);
    }
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)h));
}

INLINE __m512 join(__m256 lower, __m256 upper) {
    return _mm512_insertf32x8(_mm512_castps256_ps512(lower), upper, 1);
}

/* 16 bytes of nibbles of two blocks: low nibbles are weights 0-15, high nibbles 16-31. */
INLINE __m512i nibbles_of_blocks(const uint8_t *first, const uint8_t *second) {
    __m512i bytes = _mm512_inserti64x4(
        _mm512_castsi256_si512(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)first))),
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)second)), 1);
    return _mm512_and_si512(_mm512_multishift_epi64_epi8(quarters(0, 4), bytes), _mm512_set1_epi8(15));
}

INLINE void unpack_nibbles(const uint8_t *b, int block_bytes, int quants, int fifth, struct chunk *c) {
    for (int j = 0; j < 4; j++) {
        const uint8_t *first = b + 2 * j * block_bytes, *second = first + block_bytes;
        c->q[j] = nibbles_of_blocks(first + quants, second + quants);
        if (fifth) {
            uint32_t low, high;
            memcpy(&low, first + fifth, 4);
            memcpy(&high, second + fifth, 4);
            __mmask64 mask = (uint64_t)high << 32 | low;
            c->q[j] = _mm512_mask_add_epi8(c->q[j], mask, c->q[j], _mm512_set1_epi8(16));
        }
    }
}

INLINE void unpack_q4_0(const uint8_t *b, struct chunk *c) {
    __m256 d = halves_of_blocks(b, 18);
    c->scale = join(d, _mm256_mul_ps(d, _mm256_set1_ps(-8)));
    unpack_nibbles(b, 18, 2, 0, c);
}

INLINE void unpack_q4_1(const uint8_t *b, struct chunk *c) {
    c->scale = join(halves_of_blocks(b, 20), halves_of_blocks(b + 2, 20));
    unpack_nibbles(b, 20, 4, 0, c);
}

INLINE void unpack_q5_0(const uint8_t *b, struct chunk *c) {
    __m256 d = halves_of_blocks(b, 22);
    c->scale = join(d, _mm256_mul_ps(d, _mm256_set1_ps(-16)));
    unpack_nibbles(b, 22, 6, 2, c);
}

INLINE void unpack_q5_1(const uint8_t *b, struct chunk *c) {
    c->scale = join(halves_of_blocks(b, 24), halves_of_blocks(b + 2, 24));
    unpack_nibbles(b, 24, 8, 4, c);
}

INLINE void unpack_q8_0(const uint8_t *b, struct chunk *c) {
    __m256 d = halves_of_blocks(b, 34);
    c->scale = join(d, _mm256_mul_ps(d, _mm256_set1_ps(-128)));
    for (int j = 0; j < 4; j++) {
        const uint8_t *p = b + 68 * j + 2;
        __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)p)),
            _mm256_loadu_si256((const __m256i *)(p + 34)), 1);
        c->q[j] = _mm512_xor_si512(q, _mm512_set1_epi8((char)0x80));
    }
}

/* 16 weights as floats; `mask` are those that exist. */
INLINE __m512 load_f32(const uint8_t *w, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, w); }
INLINE __m512 load_f16(const uint8_t *w, __mmask16 mask) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, w));
}
INLINE __m512 load_bf16(const uint8_t *w, __mmask16 mask) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, w));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

#endif
