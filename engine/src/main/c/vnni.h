/* The levels that add to avx2 an instruction which multiplies bytes and sums four products: it came with two encodings,
 * to different processors. A level defines LEVEL, VECTORS and DPBUSD and includes this. */
#ifndef MIXTRAL4J_VNNI_H
#define MIXTRAL4J_VNNI_H

#include "avx2.h"

/* Products go into 32 bits at once: there are never too many. */
#define RUN(bound) 8

/* Adds products of bytes of weights and activations. The instruction wants its first factor unsigned. */
INLINE ints products(ints sum, ints q, ints x, int is_signed) {
    __m256i a = (__m256i)q, b = (__m256i)x;
    return is_signed ? (ints)DPBUSD((__m256i)sum, _mm256_abs_epi8(a), _mm256_sign_epi8(b, a))
                     : (ints)DPBUSD((__m256i)sum, a, b);
}

INLINE ints total(ints sum, int is_signed) {
    (void)is_signed;
    return sum;
}

#include "portable.h"

#endif
