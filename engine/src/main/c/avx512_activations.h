/* Activations of the level "avx512", rounded to integers of 8 or 16 bits with a scale for each group of the weights. */
#ifndef MIXTRAL4J_AVX512_ACTIVATIONS_H
#define MIXTRAL4J_AVX512_ACTIVATIONS_H

#include "avx512.h"

/* What the unsigned bytes of a symmetric format exceed the weights by; 0 for the others. */
INLINE int excess_of(int32_t type) {
    switch (type) {
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    case type: return excess;
        QUANTIZED(X)
#undef X
    default: return 0;
    }
}

/* The largest magnitude, or NaN if there is one: as integers, the bits of NaN are larger than those of any number. */
INLINE float max_abs(const float *x, int n) {
    __m512i max = _mm512_setzero_si512();
    for (int i = 0; i < n; i += LANES) {
        __m512i bits = _mm512_loadu_si512(x + i);
        max = _mm512_max_epi32(max, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
    }
    int32_t largest = _mm512_reduce_max_epi32(max);
    float f;
    memcpy(&f, &largest, sizeof f);
    return f;
}

/* The next 256 of `k` activations, the rest zeros. */
INLINE const float *padded(const float *x, int64_t k, int64_t from, float *buffer) {
    if (k - from >= CHUNK) {
        return x + from;
    }
    memset(buffer, 0, CHUNK * sizeof(float));
    memcpy(buffer, x + from, (size_t)(k - from) * sizeof(float));
    return buffer;
}

/* Quantizes a group of 32 or 16 activations to `planes` bytes each, the higher ones first and the lower ones CHUNK
 * after them: 256 · high + low. Returns the scale. */
INLINE float quantize_group(const float *x, int n, int planes, int8_t *q, int *sum) {
    const float largest = planes == 1 ? 127 : 127 * 256 + 127;
    float max = max_abs(x, n);
    float inverse = max == 0 ? 0 : largest / max;
    *sum = 0;
    for (int i = 0; i < n; i += LANES) {
        __m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(inverse)));
        *sum += _mm512_reduce_add_epi32(v);
        if (planes == 2) {
            _mm_storeu_si128((__m128i *)(q + CHUNK + i), _mm512_cvtepi32_epi8(v));
            v = _mm512_srai_epi32(_mm512_add_epi32(v, _mm512_set1_epi32(128)), 8);
        }
        _mm_storeu_si128((__m128i *)(q + i), _mm512_cvtepi32_epi8(v));
    }
    return max / largest;
}

#endif
