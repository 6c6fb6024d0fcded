/* The weight formats of portable.h: how 256 weights of a row become bytes and factors.
 *
 * Every quantized weight is scale·q + minimum, with a byte q and a scale and a minimum per group of 32 or 16 weights
 * (symmetric formats: minimum = −excess·scale). q is unsigned; Q8_0 alone has signed bytes and no minimum. What the
 * bytes of a block mean stands in decode.c.
 */
#ifndef MIXTRAL4J_PORTABLE_FORMATS_H
#define MIXTRAL4J_PORTABLE_FORMATS_H

#include "blocks.h"

#include <string.h>

enum {
    GROUPS = CHUNK / 16 /* groups of them, at most */
};

/* 256 weights of a row. */
struct chunk {
    uint8_t q[CHUNK];
    float scale[GROUPS], minimum[GROUPS];
} __attribute__((aligned(64)));

INLINE words words_at(const void *p) {
    words v;
    memcpy(&v, p, WIDTH);
    return v;
}

INLINE ints ints_at(const void *p) {
    return (ints)words_at(p);
}

INLINE floats floats_at(const void *p) {
    return (floats)words_at(p);
}

INLINE floats to_floats(ints v) {
    return __builtin_convertvector(v, floats);
}

INLINE words every_byte(uint8_t value) {
    return (words){0} + value * UINT64_C(0x0101010101010101);
}

/* `mask` of each byte after shifting it by `right` bits, left if that is negative. The shift moves bits between
 * bytes; `mask` must take only those that were in the byte before. */
INLINE words field(words v, int right, uint8_t mask) {
    return (right < 0 ? v << -right : v >> right) & every_byte(mask);
}

INLINE void put(struct chunk *c, int at, words v) {
    memcpy(c->q + at, &v, WIDTH);
}

/* `n` factors, each a number of 8 bits times `unit`. */
INLINE void put_factors(const void *numbers, int n, float unit, float *out) {
    for (int g = 0; g < n; g += LANES) {
        floats v = load_s8((const uint8_t *)numbers + g) * every_float(unit);
        memcpy(out + g, &v, sizeof v);
    }
}

/* Minimums of a symmetric format. */
INLINE void put_minimums(float excess, int n, struct chunk *c) {
    for (int g = 0; g < n; g++) {
        c->minimum[g] = -excess * c->scale[g];
    }
}

/* The 6-bit scales and minimums of Q4_K and Q5_K, from the first 16 bytes of a block. */
INLINE void k_scales(const uint8_t *b, struct chunk *c) {
    uint64_t head, tail, bytes[2];
    memcpy(&head, b, 8);
    memcpy(&tail, b + 8, 8);
    bytes[0] = (head >> 32 & 0x3f3f3f3f) | (tail & 0x0f0f0f0f00000000) | (head >> 2 & 0x3030303000000000);
    bytes[1] = (tail & 0x3f3f3f3f) | (tail >> 4 & 0x0f0f0f0f00000000) | (tail << 30 & 0x3030303000000000);
    put_factors(bytes, 8, half(b), c->scale);
    put_factors(bytes + 1, 8, -half(b + 2), c->minimum);
}

INLINE void unpack_q4_k(const uint8_t *b, struct chunk *c) {
    k_scales(b, c);
    for (int i = 0; i < 128; i += WIDTH) {
        words v = words_at(b + 16 + i);
        int at = i / 32 * 64 + i % 32;
        put(c, at, field(v, 0, 15));
        put(c, at + 32, field(v, 4, 15));
    }
}

INLINE void unpack_q5_k(const uint8_t *b, struct chunk *c) {
    k_scales(b, c);
    for (int i = 0; i < 128; i += WIDTH) {
        words v = words_at(b + 48 + i), fifth = words_at(b + 16 + i % 32);
        int at = i / 32 * 64 + i % 32, bit = i / 32 * 2;
        put(c, at, field(v, 0, 15) | field(fifth, bit - 4, 16));
        put(c, at + 32, field(v, 4, 15) | field(fifth, bit - 3, 16));
    }
}

INLINE void unpack_q6_k(const uint8_t *b, struct chunk *c) {
    put_factors(b + 192, 16, half(b + 208), c->scale);
    put_minimums(32, 16, c);
    for (int i = 0; i < 64; i += WIDTH) {
        words high = words_at(b + 128 + i);
        for (int j = 0; j < 2; j++) {
            words v = words_at(b + i / 32 * 64 + 32 * j + i % 32);
            int at = i / 32 * 128 + 32 * j + i % 32;
            put(c, at, field(v, 0, 15) | field(high, 2 * j - 4, 0x30));
            put(c, at + 64, field(v, 4, 15) | field(high, 2 * j, 0x30));
        }
    }
}

INLINE void unpack_q2_k(const uint8_t *b, struct chunk *c) {
    uint64_t low[2], high[2];
    for (int i = 0; i < 2; i++) {
        memcpy(low + i, b + 8 * i, 8);
        high[i] = low[i] >> 4 & 0x0f0f0f0f0f0f0f0f;
        low[i] &= 0x0f0f0f0f0f0f0f0f;
    }
    put_factors(low, 16, half(b + 80), c->scale);
    put_factors(high, 16, -half(b + 82), c->minimum);
    for (int i = 0; i < 64; i += WIDTH) {
        words v = words_at(b + 16 + i);
        for (int j = 0; j < 4; j++) {
            put(c, i / 32 * 128 + 32 * j + i % 32, field(v, 2 * j, 3));
        }
    }
}

INLINE void unpack_q3_k(const uint8_t *b, struct chunk *c) {
    uint64_t low, bytes[2];
    uint32_t high;
    memcpy(&low, b + 96, 8);
    memcpy(&high, b + 104, 4);
    bytes[0] = (low & 0x0f0f0f0f0f0f0f0f) | (high << 4 & 0x30303030) | (uint64_t)(high << 2 & 0x30303030) << 32;
    bytes[1] = (low >> 4 & 0x0f0f0f0f0f0f0f0f) | (high & 0x30303030) | (uint64_t)(high >> 2 & 0x30303030) << 32;
    for (int i = 0; i < 2; i++) { /* minus 32 in every byte: six bits become signed */
        bytes[i] = (bytes[i] ^ 0x2020202020202020) | (~bytes[i] >> 5 & 0x0101010101010101) * 0xc0;
    }
    put_factors(bytes, 16, half(b + 108), c->scale);
    put_minimums(4, 16, c);
    for (int i = 0; i < 64; i += WIDTH) {
        words v = words_at(b + 32 + i), third = words_at(b + i % 32);
        for (int j = 0; j < 4; j++) {
            words upper = field(third, i / 32 * 4 + j - 2, 4);
            put(c, i / 32 * 128 + 32 * j + i % 32, field(v, 2 * j, 3) | upper);
        }
    }
}

/* Eight blocks of 32 weights: 16 bytes of nibbles each (the low ones are weights 0-15, the high ones 16-31) at `quants`
 * of the block, and 32 fifth bits at `fifth`, unless that is 0. */
INLINE void unpack_nibbles(const uint8_t *b, int block_bytes, int quants, int fifth, struct chunk *c) {
    for (int g = 0; g < 8; g++, b += block_bytes) {
        for (int i = 0; i < 32; i += WIDTH) {
            words v = nibbles(b + quants, i);
            put(c, 32 * g + i, fifth ? v | (bits(b + fifth, i) & every_byte(16)) : v);
        }
    }
}

INLINE void symmetric_scales(const uint8_t *b, int block_bytes, float excess, struct chunk *c) {
    for (int g = 0; g < 8; g++) {
        c->scale[g] = half(b + g * block_bytes);
    }
    put_minimums(excess, 8, c);
}

INLINE void scales_and_minimums(const uint8_t *b, int block_bytes, struct chunk *c) {
    for (int g = 0; g < 8; g++) {
        c->scale[g] = half(b + g * block_bytes);
        c->minimum[g] = half(b + g * block_bytes + 2);
    }
}

INLINE void unpack_q4_0(const uint8_t *b, struct chunk *c) {
    symmetric_scales(b, 18, 8, c);
    unpack_nibbles(b, 18, 2, 0, c);
}

INLINE void unpack_q4_1(const uint8_t *b, struct chunk *c) {
    scales_and_minimums(b, 20, c);
    unpack_nibbles(b, 20, 4, 0, c);
}

INLINE void unpack_q5_0(const uint8_t *b, struct chunk *c) {
    symmetric_scales(b, 22, 16, c);
    unpack_nibbles(b, 22, 6, 2, c);
}

INLINE void unpack_q5_1(const uint8_t *b, struct chunk *c) {
    scales_and_minimums(b, 24, c);
    unpack_nibbles(b, 24, 8, 4, c);
}

INLINE void unpack_q8_0(const uint8_t *b, struct chunk *c) {
    symmetric_scales(b, 34, 0, c);
    for (int i = 0; i < CHUNK; i += WIDTH) {
        put(c, i, words_at(b + i / 32 * 34 + 2 + i % 32));
    }
}

INLINE floats load_f32(const uint8_t *p) {
    return floats_at(p);
}

#endif
