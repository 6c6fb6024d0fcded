/* Seeded random data, for the self-check and the parity test. */
#ifndef MIXTRAL4J_RANDOM_H
#define MIXTRAL4J_RANDOM_H

#include "blocks.h"

#include <string.h>

/* Every type there is. */
static const int32_t M4J_TYPES[] = {
    M4J_F32, M4J_F16, M4J_BF16, M4J_Q4_0, M4J_Q4_1, M4J_Q5_0, M4J_Q5_1, M4J_Q8_0, M4J_Q2_K, M4J_Q3_K, M4J_Q4_K, M4J_Q5_K,
    M4J_Q6_K,
};
enum { M4J_TYPE_COUNT = sizeof M4J_TYPES / sizeof *M4J_TYPES };

/* The next 32 bits. Source: Steele, Lea and Flood 2014, SplitMix64. */
static inline uint32_t m4j_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

/* A number in [-1, 1). */
static inline float m4j_random_float(uint64_t *state) {
    return (float)((int32_t)m4j_random(state) >> 8) * 0x1p-23f;
}

/* Writes a float16 of a magnitude from 1/32 to 1/2. */
static inline void m4j_put_half(uint8_t *at, uint64_t *state) {
    uint32_t bits = m4j_random(state);
    uint32_t half = (bits & 0x83ff) | (10 + (bits >> 16 & 3)) << 10;
    at[0] = (uint8_t)half;
    at[1] = (uint8_t)(half >> 8);
}

/* Fills whole blocks: any bytes will do but for floats, which are to be finite and much alike. */
static inline void m4j_random_blocks(int32_t type, int64_t elements, uint64_t *state, uint8_t *out) {
    int64_t bytes = m4j_block_bytes(type);
    for (uint8_t *block = out; block < out + m4j_row_bytes(type, elements); block += bytes) {
        for (int64_t i = 0; i < bytes; i++) {
            block[i] = (uint8_t)m4j_random(state);
        }
        float element = m4j_random_float(state);
        switch (type) {
            case M4J_F32:
                memcpy(block, &element, 4);
                break;
            case M4J_BF16: /* the upper half of a float32 */
                memcpy(block, (uint8_t *)&element + 2, 2);
                break;
            case M4J_Q4_1:
            case M4J_Q5_1:
            case M4J_Q4_K:
            case M4J_Q5_K: /* scale and minimum */
                m4j_put_half(block, state);
                m4j_put_half(block + 2, state);
                break;
            case M4J_Q2_K:
                m4j_put_half(block + 80, state);
                m4j_put_half(block + 82, state);
                break;
            case M4J_Q3_K:
                m4j_put_half(block + 108, state);
                break;
            case M4J_Q6_K:
                m4j_put_half(block + 208, state);
                break;
            default: /* F16, and types that begin with their scale */
                m4j_put_half(block, state);
        }
    }
}

/* Every type of a key/value cache. */
static const int32_t M4J_CACHE_TYPES[] = {M4J_F32, M4J_F16, M4J_Q8_0};
enum { M4J_CACHE_TYPE_COUNT = sizeof M4J_CACHE_TYPES / sizeof *M4J_CACHE_TYPES };

/* Bytes of the keys, or the values, of one head in a page. */
static inline int64_t m4j_plane_bytes(int32_t type, int64_t dim) {
    return m4j_row_bytes(type, dim * M4J_PAGE_TOKENS);
}

/* Fills the keys, or the values, of one head. */
static inline void m4j_random_plane(int32_t type, int64_t dim, uint64_t *state, uint8_t *out) {
    if (type != M4J_Q8_0) {
        m4j_random_blocks(type, dim * M4J_PAGE_TOKENS, state, out);
        return;
    }
    for (int64_t i = 0; i < dim * M4J_PAGE_TOKENS; i++) {
        out[i] = (uint8_t)m4j_random(state);
    }
    for (int64_t i = dim * M4J_PAGE_TOKENS; i < m4j_plane_bytes(type, dim); i += 2) {
        m4j_put_half(out + i, state);
    }
}

#endif
