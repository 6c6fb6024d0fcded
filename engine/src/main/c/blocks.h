/* The weight formats and their sizes. What the bytes mean stands in decode.c. */
#ifndef MIXTRAL4J_BLOCKS_H
#define MIXTRAL4J_BLOCKS_H

#include "mixtral4j.h"

#include <string.h>

/* The table of quantized formats: name, type, weights of a block, bytes of a block, groups of 256 weights that share a
 * scale, what unsigned bytes exceed the weights of a symmetric format by (avx512, amx), a bound of the bytes or 0 if they
 * are signed (portable.h). */
#define QUANTIZED(X)                                                                                                   \
    X(q4_0, M4J_Q4_0, 32, 18, 8, 8, 15)                                                                                \
    X(q4_1, M4J_Q4_1, 32, 20, 8, 0, 15)                                                                                \
    X(q5_0, M4J_Q5_0, 32, 22, 8, 16, 31)                                                                               \
    X(q5_1, M4J_Q5_1, 32, 24, 8, 0, 31)                                                                                \
    X(q8_0, M4J_Q8_0, 32, 34, 8, 128, 0)                                                                               \
    X(q2_k, M4J_Q2_K, 256, 84, 16, 0, 7)                                                                               \
    X(q3_k, M4J_Q3_K, 256, 110, 16, 4, 7)                                                                              \
    X(q4_k, M4J_Q4_K, 256, 144, 8, 0, 15)                                                                              \
    X(q5_k, M4J_Q5_K, 256, 176, 8, 0, 31)                                                                              \
    X(q6_k, M4J_Q6_K, 256, 210, 16, 32, 63)

/* The others: name, type, bytes of a weight. */
#define FLOATS(X)                                                                                                      \
    X(f32, M4J_F32, 4)                                                                                                 \
    X(f16, M4J_F16, 2)                                                                                                 \
    X(bf16, M4J_BF16, 2)

#define CHUNK 256 /* weights that are unpacked at a time */

/* Elements of a block; a row is a whole number of blocks. */
static inline int64_t m4j_block_elements(int32_t type) {
    switch (type) {
#define X(name, type, bytes) case type:
        FLOATS(X)
#undef X
            return 1;
#define X(name, type, block, ...)                                                                                      \
        case type:                                                                                                     \
            return block;
        QUANTIZED(X)
#undef X
        default:
            return 256;
    }
}

/* Bytes of a block; 0 for an unknown type. */
static inline int64_t m4j_block_bytes(int32_t type) {
    switch (type) {
#define X(name, type, bytes)                                                                                           \
        case type:                                                                                                     \
            return bytes;
        FLOATS(X)
#undef X
#define X(name, type, block, bytes, ...)                                                                               \
        case type:                                                                                                     \
            return bytes;
        QUANTIZED(X)
#undef X
        default:
            return 0;
    }
}

/* Groups of 256 weights; 0 for floats. */
static inline int groups_of(int32_t type) {
    switch (type) {
#define X(name, type, block, bytes, groups, ...)                                                                       \
        case type:                                                                                                     \
            return groups;
        QUANTIZED(X)
#undef X
        default:
            return 0;
    }
}

/* Chunks of a row, the last one perhaps in part. */
static inline int64_t chunks_of(int64_t k) {
    return (k + CHUNK - 1) / CHUNK;
}

/* Bytes of `k` consecutive elements, whole blocks. */
static inline int64_t m4j_row_bytes(int32_t type, int64_t k) {
    return k / m4j_block_elements(type) * m4j_block_bytes(type);
}

/* `b` if all its `bytes` are there, else the `present` ones and zeros in `padded`: nothing is read after a row. */
static inline const uint8_t *m4j_whole(const uint8_t *b, int64_t present, int bytes, uint8_t *padded) {
    if (present >= bytes) {
        return b;
    }
    memset(padded, 0, (size_t)bytes);
    memcpy(padded, b, (size_t)present);
    return padded;
}

/* `bytes` rounded up to whole cache lines. */
static inline int64_t m4j_lines(int64_t bytes) {
    return (bytes + 63) / 64 * 64;
}

#endif
