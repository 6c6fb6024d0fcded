/* One function per weight format: a block's bytes to floats. The bytes of each format stand as a table in the Java
 * codec of the same name (Q4K.java and so on). Multi-byte fields are little-endian and start at any byte. */
#include "decode.h"

#include "blocks.h"

#include <string.h>

static uint16_t short_at(const uint8_t *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float m4j_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 31;
    uint32_t mantissa = half & 0x3ff;
    if (exponent == 31) { /* infinity and NaN */
        return float_of_bits(sign | 0x7f800000 | mantissa << 13);
    }
    if (exponent == 0) { /* subnormal: steps of 2^-24, which float32 holds exactly */
        float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    return float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

static float half_at(const uint8_t *p) {
    return m4j_half(short_at(p));
}

/* The nibbles of byte j are elements j and j + 16 of a block of 32. */
static int nibble32(const uint8_t *quants, int i) {
    return quants[i % 16] >> i / 16 * 4 & 15;
}

/* The fifth bits of a block of 32: bit i of four bytes. */
static int fifth32(const uint8_t *bits, int i) {
    return bits[i / 8] >> i % 8 & 1;
}

/* Two bits of element i of a block of 256: each run of 128 elements takes 32 bytes, whose bits 0-1, 2-3, 4-5, 6-7 are
 * the elements 0-31, 32-63, 64-95, 96-127 of the run. */
static int two_bits(const uint8_t *quants, int i) {
    return quants[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
}

/* One bit of element i of a block of 256: element 32 k + c in bit k of byte c. */
static int plane_bit(const uint8_t *plane, int i) {
    return plane[i % 32] >> i / 32 & 1;
}

/* The 6-bit scale of group j (0-7) in the 12 bytes that Q4_K and Q5_K share; KScales.java has the table. */
static int k_scale(const uint8_t *groups, int j) {
    return j < 4 ? groups[j] & 63 : (groups[j + 4] & 15) | groups[j - 4] >> 6 << 4;
}

/* The 6-bit minimum of group j. */
static int k_minimum(const uint8_t *groups, int j) {
    return j < 4 ? groups[j + 4] & 63 : groups[j + 4] >> 4 | groups[j] >> 6 << 4;
}

static void decode_q4_0(const uint8_t *block, float *out) {
    float scale = half_at(block);
    for (int i = 0; i < 32; i++) {
        out[i] = (float)(nibble32(block + 2, i) - 8) * scale;
    }
}

static void decode_q4_1(const uint8_t *block, float *out) {
    float scale = half_at(block), minimum = half_at(block + 2);
    for (int i = 0; i < 32; i++) {
        out[i] = (float)nibble32(block + 4, i) * scale + minimum;
    }
}

static void decode_q5_0(const uint8_t *block, float *out) {
    float scale = half_at(block);
    for (int i = 0; i < 32; i++) {
        out[i] = (float)(nibble32(block + 6, i) + 16 * fifth32(block + 2, i) - 16) * scale;
    }
}

static void decode_q5_1(const uint8_t *block, float *out) {
    float scale = half_at(block), minimum = half_at(block + 2);
    for (int i = 0; i < 32; i++) {
        out[i] = (float)(nibble32(block + 8, i) + 16 * fifth32(block + 4, i)) * scale + minimum;
    }
}

static void decode_q8_0(const uint8_t *block, float *out) {
    float scale = half_at(block);
    for (int i = 0; i < 32; i++) {
        out[i] = (float)(int8_t)block[2 + i] * scale;
    }
}

static void decode_q2_k(const uint8_t *block, float *out) {
    float scale = half_at(block + 80), minimum = half_at(block + 82);
    for (int i = 0; i < 256; i++) {
        float step = scale * (float)(block[i / 16] & 15);
        float offset = minimum * (float)(block[i / 16] >> 4);
        out[i] = step * (float)two_bits(block + 16, i) - offset;
    }
}

static void decode_q3_k(const uint8_t *block, float *out) {
    const uint8_t *groups = block + 96;
    float scale = half_at(block + 108);
    for (int i = 0; i < 256; i++) {
        int g = i / 16;
        int low = groups[g % 8] >> g / 8 * 4 & 15;
        int high = groups[8 + g % 4] >> g / 4 * 2 & 3;
        float step = scale * (float)(low + 16 * high - 32);
        out[i] = step * (float)(two_bits(block + 32, i) + 4 * plane_bit(block, i) - 4);
    }
}

static void decode_q4_k(const uint8_t *block, float *out) {
    float scale = half_at(block), minimum = half_at(block + 2);
    for (int g = 0; g < 8; g++) {
        float step = scale * (float)k_scale(block + 4, g);
        float offset = minimum * (float)k_minimum(block + 4, g);
        const uint8_t *quants = block + 16 + 32 * (g / 2);
        for (int c = 0; c < 32; c++) {
            out[32 * g + c] = step * (float)(quants[c] >> g % 2 * 4 & 15) - offset;
        }
    }
}

static void decode_q5_k(const uint8_t *block, float *out) {
    float scale = half_at(block), minimum = half_at(block + 2);
    for (int g = 0; g < 8; g++) {
        float step = scale * (float)k_scale(block + 4, g);
        float offset = minimum * (float)k_minimum(block + 4, g);
        const uint8_t *quants = block + 48 + 32 * (g / 2);
        for (int c = 0; c < 32; c++) {
            int quant = (quants[c] >> g % 2 * 4 & 15) + 16 * plane_bit(block + 16, 32 * g + c);
            out[32 * g + c] = step * (float)quant - offset;
        }
    }
}

static void decode_q6_k(const uint8_t *block, float *out) {
    float scale = half_at(block + 208);
    for (int i = 0; i < 256; i++) {
        float step = scale * (float)(int8_t)block[192 + i / 16];
        int low = block[i / 128 * 64 + i % 64] >> i % 128 / 64 * 4 & 15;
        out[i] = step * (float)(low + 16 * two_bits(block + 128, i) - 32);
    }
}

static void decode_f32(const uint8_t *block, float *out) {
    memcpy(out, block, sizeof *out);
}

static void decode_f16(const uint8_t *block, float *out) {
    *out = half_at(block);
}

static void decode_bf16(const uint8_t *block, float *out) {
    *out = float_of_bits((uint32_t)short_at(block) << 16);
}

typedef void decoder(const uint8_t *block, float *out);

static decoder *decoder_of(int32_t type) {
    switch (type) {
        case M4J_F32:
            return decode_f32;
        case M4J_F16:
            return decode_f16;
        case M4J_BF16:
            return decode_bf16;
        case M4J_Q4_0:
            return decode_q4_0;
        case M4J_Q4_1:
            return decode_q4_1;
        case M4J_Q5_0:
            return decode_q5_0;
        case M4J_Q5_1:
            return decode_q5_1;
        case M4J_Q8_0:
            return decode_q8_0;
        case M4J_Q2_K:
            return decode_q2_k;
        case M4J_Q3_K:
            return decode_q3_k;
        case M4J_Q4_K:
            return decode_q4_k;
        case M4J_Q5_K:
            return decode_q5_k;
        default:
            return decode_q6_k;
    }
}

void m4j_decode(int32_t type, const void *blocks, int64_t elements, float *out) {
    decoder *decode = decoder_of(type);
    const uint8_t *block = blocks;
    for (int64_t i = 0; i < elements; i += m4j_block_elements(type)) {
        decode(block, out + i);
        block += m4j_block_bytes(type);
    }
}
