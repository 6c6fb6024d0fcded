/* What the levels of 512-bit registers share: weights of every format as pairs of bfloat16, and transposed. */
#ifndef MIXTRAL4J_AVX512_H
#define MIXTRAL4J_AVX512_H

#include "avx512_formats.h"

/* 16 registers of 16 lanes: lane j of register i becomes lane i of register j. */
INLINE void transpose(__m512i *r) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

/* 64 weights as bfloat16, two registers of 32 in order. */
INLINE __m512i pair(__m512 first, __m512 second) { return (__m512i)_mm512_cvtne2ps_pbh(second, first); }

/* Through memory: widening and broadcasting loads spare the one unit that permutes registers. */
INLINE void to_pairs(const struct chunk *c, int groups, __m512i *out) {
    uint8_t q[CHUNK] __attribute__((aligned(64)));
    float factors[2 * LANES] __attribute__((aligned(64)));
    memcpy(q, c->q, sizeof q);
    _mm512_store_ps(factors, c->scale);
    if (groups == 16) {
        _mm512_store_ps(factors + LANES, c->minimum);
    }
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        __m512 f[2];
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++) {
            int g = groups == 8 ? j : 2 * j + i;
            __m512i n = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(q + 32 * j + 16 * i)));
            f[i] = _mm512_fmadd_ps(
                _mm512_cvtepi32_ps(n), _mm512_set1_ps(factors[g]), _mm512_set1_ps(factors[g + groups]));
        }
        out[j] = pair(f[0], f[1]);
    }
}

/* Transposes 16 rows of `registers` registers: lanes then run along the rows. */
INLINE void transpose_rows(const __m512i *rows, int registers, __m512i *t) {
    for (int j = 0; j < registers; j++) {
        __m512i r[16];
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            r[i] = rows[i * registers + j];
        }
        transpose(r);
        memcpy(t + 16 * j, r, sizeof r);
    }
}

INLINE __mmask16 first(int64_t n) { return (__mmask16)(n >= 16 ? 0xffff : n <= 0 ? 0 : (1 << n) - 1); }

/* 256 weights of a row, of which `n` exist. Prefetches what follows them by 512. */
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    INLINE void fetch_##name(const uint8_t *w, int n, struct chunk *c) {                                               \
        enum { CHUNK_BYTES = CHUNK / block * bytes };                                                                  \
        uint8_t rest[CHUNK_BYTES];                                                                                     \
        for (int p = 0; p < CHUNK_BYTES; p += 64) {                                                                    \
            _mm_prefetch((const char *)((uintptr_t)w + 2 * CHUNK_BYTES + p), _MM_HINT_T1);                             \
        }                                                                                                              \
        unpack_##name(m4j_whole(w, n / block * bytes, CHUNK_BYTES, rest), c);                                          \
    }
QUANTIZED(X)
#undef X

/* The same as bfloat16, in order. */
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    INLINE void pairs_##name(const uint8_t *w, int n, __m512i *out) {                                                  \
        struct chunk c;                                                                                                \
        fetch_##name(w, n, &c);                                                                                        \
        to_pairs(&c, groups, out);                                                                                     \
    }
QUANTIZED(X)
#undef X

#define X(name, type, bytes)                                                                                           \
    INLINE void pairs_##name(const uint8_t *w, int n, __m512i *out) {                                                  \
        for (int p = 0; p < CHUNK * bytes; p += 64) {                                                                  \
            _mm_prefetch((const char *)((uintptr_t)w + 2 * CHUNK * bytes + p), _MM_HINT_T1);                           \
        }                                                                                                              \
        for (int j = 0; j < 8; j++) {                                                                                  \
            __m512 lower = load_##name(w + 32 * j * bytes, first(n - 32 * j));                                         \
            out[j] = pair(lower, load_##name(w + (32 * j + 16) * bytes, first(n - 32 * j - 16)));                      \
        }                                                                                                              \
    }
FLOATS(X)
#undef X

/* Writes 256 activations as bfloat16, of which `n` exist. */
INLINE void pairs_of_activations(const float *x, int64_t n, __m512i *out) {
    for (int j = 0; j < 8; j++) {
        __m512 lower = _mm512_maskz_loadu_ps(first(n - 32 * j), x + 32 * j);
        _mm512_storeu_si512(out + j, pair(lower, _mm512_maskz_loadu_ps(first(n - 32 * j - 16), x + 32 * j + 16)));
    }
}

#endif
