/* 256 weights of four rows at once, in the order in which avx512_few.c multiplies them. */
#ifndef MIXTRAL4J_AVX512_SPREAD_H
#define MIXTRAL4J_AVX512_SPREAD_H

#include "avx512_formats.h"

#define STREAMS 4

/* STREAMS times 256 weights. Bytes of a group are spread over the four registers of a stream, so that a lane adds up
 * products of one group: a piece of 8 bytes in two lanes for 8 groups, of 4 bytes in one lane for 16. With 8 groups,
 * scale and minimum i have stream 2 i in even lanes and 2 i + 1 in odd ones. */
struct few_w {
    __m512i q[STREAMS][4];
    __m512 scale[STREAMS], minimum[STREAMS];
};

/* Q4_K and Q5_K can be unpacked for less if a register holds groups that are two apart: 0 and 2, 1 and 3, 4 and 6, 5
 * and 7. */
INLINE int apart(int32_t type) { return type == M4J_Q4_K || type == M4J_Q5_K; }

INLINE void unpack_apart(int32_t type, const uint8_t *b, __m512i *q) {
    const uint8_t *nibbles = b + (type == M4J_Q5_K ? 48 : 16);
    for (int i = 0; i < 2; i++) {
        __m512i bytes = _mm512_loadu_si512(nibbles + 64 * i);
        q[2 * i] = _mm512_and_si512(bytes, _mm512_set1_epi8(15));
        q[2 * i + 1] = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15));
    }
    if (type == M4J_Q5_K) {
        __m512i fifth = load32(b + 16);
        for (int j = 0; j < 4; j++) {
            int group = 4 * (j / 2) + j % 2;
            q[j] = _mm512_mask_add_epi8(q[j], bits(fifth, group, group + 2), q[j], _mm512_set1_epi8(16));
        }
    }
}

/* The group whose piece is number `i` of a register, as `spread` leaves them. */
INLINE int group_at(int32_t type, int groups, int i) {
    return groups == 16 ? i % 4 * 4 + i / 4 : apart(type) ? i : (i & 4) | (i & 1) << 1 | (i >> 1 & 1);
}

/* Register i becomes bytes 8 i to 8 i + 7 of all groups. */
INLINE void spread_8(const __m512i *q, __m512i *out) {
    __m512i a = _mm512_unpacklo_epi64(q[0], q[1]), b = _mm512_unpackhi_epi64(q[0], q[1]);
    __m512i c = _mm512_unpacklo_epi64(q[2], q[3]), d = _mm512_unpackhi_epi64(q[2], q[3]);
    out[0] = _mm512_shuffle_i64x2(a, c, 0x88);
    out[1] = _mm512_shuffle_i64x2(b, d, 0x88);
    out[2] = _mm512_shuffle_i64x2(a, c, 0xdd);
    out[3] = _mm512_shuffle_i64x2(b, d, 0xdd);
}

/* Register i becomes bytes 4 i to 4 i + 3 of all groups. */
INLINE void spread_16(const __m512i *q, __m512i *out) {
    __m512i a = _mm512_unpacklo_epi32(q[0], q[1]), b = _mm512_unpackhi_epi32(q[0], q[1]);
    __m512i c = _mm512_unpacklo_epi32(q[2], q[3]), d = _mm512_unpackhi_epi32(q[2], q[3]);
    out[0] = _mm512_unpacklo_epi64(a, c);
    out[1] = _mm512_unpackhi_epi64(a, c);
    out[2] = _mm512_unpacklo_epi64(b, d);
    out[3] = _mm512_unpackhi_epi64(b, d);
}

INLINE __m512i all_lanes(int d3, int d2, int d1, int d0) {
    return _mm512_broadcast_i32x4(_mm_set_epi32(d3, d2, d1, d0));
}

/* Scales and minimums of a block of Q4_K or Q5_K of each stream, as k_scales has them of one: the first 16 bytes are a
 * quarter of a register, so that all four streams take little more than one would. */
INLINE void spread_scales(const uint8_t *const *b, struct few_w *w) {
    __m512i head = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)b[0]));
    head = _mm512_inserti32x4(head, _mm_loadu_si128((const __m128i *)b[1]), 1);
    head = _mm512_inserti32x4(head, _mm_loadu_si128((const __m128i *)b[2]), 2);
    head = _mm512_inserti32x4(head, _mm_loadu_si128((const __m128i *)b[3]), 3);
    /* Bytes 4-7 hold six bits of scales 0-3 and two of 4-7, bytes 8-11 the same of minimums, bytes 12-15 four bits of
     * scales 4-7 and of minimums 4-7. */
    __m512i low = _mm512_shuffle_epi8(head, all_lanes(0x0f0e0d0c, 0x0b0a0908, 0x0f0e0d0c, 0x07060504));
    low = _mm512_and_si512(_mm512_srlv_epi32(low, all_lanes(4, 0, 0, 0)),
        all_lanes(0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f));
    __m512i high = _mm512_shuffle_epi8(head, all_lanes(0x0b0a0908, -1, 0x07060504, -1));
    __m512i bytes = _mm512_or_si512(low, _mm512_and_si512(_mm512_srli_epi32(high, 2), _mm512_set1_epi8(0x30)));
    /* Of stream s number 2 s multiplies its scales, and number 2 s + 1 its minimums, which are subtracted. */
    const __m512i firsts = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
    __m256 numbers = _mm256_cvtph_ps(_mm512_castsi512_si128(_mm512_permutexvar_epi32(firsts, head)));
    __m512 factors = _mm512_castps256_ps512(_mm256_xor_ps(numbers, _mm256_castsi256_ps(_mm256_set1_epi64x(INT64_MIN))));
    const __m512i group = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i stream = _mm512_set_epi32(2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0);
#pragma GCC unroll 4
    for (int i = 0; i < STREAMS; i++) {
        /* The byte goes to the lowest of a lane, zeros to the others. */
        __m512i at = _mm512_add_epi32(group, _mm512_set1_epi32(i / 2 * 32 + i % 2 * 8));
        __m512 six_bits = _mm512_cvtepi32_ps(_mm512_maskz_permutexvar_epi8(0x1111111111111111, at, bytes));
        __m512 factor = _mm512_permutexvar_ps(_mm512_add_epi32(stream, _mm512_set1_epi32(i / 2 * 4 + i % 2)), factors);
        *(i % 2 ? &w->minimum[i / 2] : &w->scale[i / 2]) = _mm512_mul_ps(six_bits, factor);
    }
}

INLINE void spread_apart(int32_t type, const uint8_t *const *b, struct few_w *w) {
    spread_scales(b, w);
#pragma GCC unroll 4
    for (int s = 0; s < STREAMS; s++) {
        __m512i q[4];
        unpack_apart(type, b[s], q);
        spread_8(q, w->q[s]);
    }
}

INLINE void spread(const struct chunk *c, int groups, struct few_w *w) {
    if (groups == 16) {
        const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
#pragma GCC unroll 4
        for (int s = 0; s < STREAMS; s++) {
            spread_16(c[s].q, w->q[s]);
            w->scale[s] = _mm512_permutexvar_ps(order, c[s].scale);
            w->minimum[s] = _mm512_permutexvar_ps(order, c[s].minimum);
        }
        return;
    }
    const __m512i order = _mm512_set_epi32(23, 7, 21, 5, 22, 6, 20, 4, 19, 3, 17, 1, 18, 2, 16, 0);
    const __m512i minimums = _mm512_add_epi32(order, _mm512_set1_epi32(8));
#pragma GCC unroll 4
    for (int s = 0; s < STREAMS; s++) {
        spread_8(c[s].q, w->q[s]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < STREAMS / 2; i++) {
        w->scale[i] = _mm512_permutex2var_ps(c[2 * i].scale, order, c[2 * i + 1].scale);
        w->minimum[i] = _mm512_permutex2var_ps(c[2 * i].scale, minimums, c[2 * i + 1].scale);
    }
}

#endif
