/* Sizes of the weight formats: elements of a block, bytes of a block, bytes of a row of `k` elements. What the bytes
 * mean stands in decode.c. */
#ifndef MIXTRAL4J_BLOCKS_H
#define MIXTRAL4J_BLOCKS_H

#include "mixtral4j.h"

#include <string.h>

/* Elements of a block; a row is a whole number of blocks. */
static inline int64_t m4j_block_elements(int32_t type) {
    switch (type) {
        case M4J_F32:
        case M4J_F16:
        case M4J_BF16:
            return 1;
        case M4J_Q4_0:
        case M4J_Q4_1:
        case M4J_Q5_0:
        case M4J_Q5_1:
        case M4J_Q8_0:
            return 32;
        default:
            return 256;
    }
}

/* Bytes of a block; 0 for an unknown type. */
static inline int64_t m4j_block_bytes(int32_t type) {
    switch (type) {
        case M4J_F32:
            return 4;
        case M4J_F16:
        case M4J_BF16:
            return 2;
        case M4J_Q4_0:
            return 18;
        case M4J_Q4_1:
            return 20;
        case M4J_Q5_0:
            return 22;
        case M4J_Q5_1:
            return 24;
        case M4J_Q8_0:
            return 34;
        case M4J_Q2_K:
            return 84;
        case M4J_Q3_K:
            return 110;
        case M4J_Q4_K:
            return 144;
        case M4J_Q5_K:
            return 176;
        case M4J_Q6_K:
            return 210;
        default:
            return 0;
    }
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
