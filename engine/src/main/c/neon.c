/* The level "neon": 128-bit registers of aarch64, with the dot product of ARMv8.2. portable.h is its program. */
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define LEVEL(name) mixtral4j_neon_##name
#define LANES 4
#define WIDTH 16
#define VECTORS 4 /* 24 accumulators, 4 registers of weights and 1 of activations, of 32 registers */
/* Products go into 32 bits at once: there are never too many. */
#define RUN(bound) 8

typedef uint64_t words __attribute__((vector_size(WIDTH)));
typedef int32_t ints __attribute__((vector_size(WIDTH)));
typedef float floats __attribute__((vector_size(WIDTH)));

INLINE float half(const uint8_t *p) {
    __fp16 h;
    memcpy(&h, p, 2);
    return h;
}

INLINE floats load_f16(const uint8_t *p) {
    return (floats)vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

INLINE floats load_bf16(const uint8_t *p) {
    return (floats)vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16);
}

INLINE floats load_s8(const uint8_t *p) {
    int32_t four;
    memcpy(&four, p, 4);
    int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
    return (floats)vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

/* Low nibbles of 16 bytes, then the high ones: the register that starts at `from` of them. */
INLINE words nibbles(const uint8_t *p, int from) {
    uint8x16_t v = vld1q_u8(p);
    return (words)(from ? vshrq_n_u8(v, 4) : vandq_u8(v, vdupq_n_u8(15)));
}

/* Bit i of four bytes becomes all bits of byte i: the register that starts at `from` of them. */
INLINE words bits(const uint8_t *p, int from) {
    p += from / 8;
    uint8x16_t copies = vcombine_u8(vdup_n_u8(p[0]), vdup_n_u8(p[1]));
    return (words)vtstq_u8(copies, vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201)));
}

/* Adds products of bytes of weights and activations. Unsigned weights are below 128, so that SDOT fits both kinds. */
INLINE ints products(ints sum, ints q, ints x, int is_signed) {
    (void)is_signed;
    return (ints)vdotq_s32((int32x4_t)sum, (int8x16_t)q, (int8x16_t)x);
}

INLINE ints total(ints sum, int is_signed) {
    (void)is_signed;
    return sum;
}

INLINE floats fma_floats(floats a, floats b, floats c) {
    return (floats)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

INLINE floats every_float(float value) {
    return (floats)vdupq_n_f32(value);
}

INLINE ints every_int(int32_t value) {
    return (ints)vdupq_n_s32(value);
}

/* The factors of the lanes of a register of bytes that starts with group `g`. */
INLINE floats spread(const floats *factors, int groups, int g) {
    (void)groups;
    return every_float(factors[g / LANES][g % LANES]);
}

/* The largest lane. */
INLINE float highest(floats v) {
    return vmaxvq_f32((float32x4_t)v);
}

INLINE void transpose(ints *rows) {
    int64x2_t t[4];
    for (int i = 0; i < 4; i += 2) {
        int32x4_t a = (int32x4_t)rows[i], b = (int32x4_t)rows[i + 1];
        t[i] = vreinterpretq_s64_s32(vtrn1q_s32(a, b));
        t[i + 1] = vreinterpretq_s64_s32(vtrn2q_s32(a, b));
    }
    for (int i = 0; i < 2; i++) {
        rows[i] = (ints)vtrn1q_s64(t[i], t[i + 2]);
        rows[i + 2] = (ints)vtrn2q_s64(t[i], t[i + 2]);
    }
}

#include "portable.h"
