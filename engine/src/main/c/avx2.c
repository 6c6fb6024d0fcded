/* The level "avx2": 256-bit registers, with fused multiply-add and float16 conversion. portable.h is its program. */
#include "avx2.h"

#define LEVEL(name) mixtral4j_avx2_##name
#define VECTORS 2 /* 12 accumulators, 2 registers of weights, 1 of activations and 1 product: all 16 registers */
/* Pairs of products of q ≤ bound and 127 that fit in 16 bits; a power of two. */
#define RUN(bound) ((bound) <= 15 ? 8 : (bound) <= 31 ? 4 : 2)

/* Adds products of bytes of weights and activations, in lanes of 32 bits (signed) or of 16 (up to RUN of them). */
INLINE ints products(ints sum, ints q, ints x, int is_signed) {
    __m256i a = (__m256i)q, b = (__m256i)x, s = (__m256i)sum;
    if (is_signed) {
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));
        return (ints)_mm256_add_epi32(s, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    return (ints)_mm256_add_epi16(s, _mm256_maddubs_epi16(a, b));
}

/* What `products` has added, in lanes of 32 bits. */
INLINE ints total(ints sum, int is_signed) {
    return is_signed ? sum : (ints)_mm256_madd_epi16((__m256i)sum, _mm256_set1_epi16(1));
}

#include "portable.h"
