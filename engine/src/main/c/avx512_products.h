/* The two ways in which the level "avx512" multiplies, between which avx512.c chooses. `x` are rows of activations that
 * the same way has prepared; see mixtral4j.h for the rest. */
#ifndef MIXTRAL4J_AVX512_PRODUCTS_H
#define MIXTRAL4J_AVX512_PRODUCTS_H

#include <stdint.h>

#define MOST_FEW 24

/* Up to MOST_FEW rows of activations, avx512_few.c: bytes of a row; row `row` of `rows`; the product. */
int64_t m4j_few_bytes(int32_t type, int32_t precise, int64_t k);
void m4j_few_x(int32_t type, int32_t precise, int64_t k, const float *x, int32_t row, int32_t rows, void *out);
void m4j_few(int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
    int32_t rows, float *y, int64_t y_stride);

/* Many rows, avx512_many.c: bytes of a row; row `row` of `rows`; bytes of scratch for a row; the product. */
int64_t m4j_many_bytes(int32_t type, int32_t precise, int64_t k);
void m4j_many_x(int32_t type, int32_t precise, int64_t k, const float *x, int32_t row, int32_t rows, void *out);
int64_t m4j_many_tmp(void);
void m4j_many(int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
    int32_t rows, float *y, int64_t y_stride, void *tmp);

#endif
