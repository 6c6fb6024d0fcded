/* Activations of portable.h, rounded to 8 bits. */
#ifndef MIXTRAL4J_PORTABLE_ACTIVATIONS_H
#define MIXTRAL4J_PORTABLE_ACTIVATIONS_H

#include "portable_formats.h"

/* 256 activations: integers, and for each group of 16 or 32 the scale and the sum of the integers. */
struct activations {
    int8_t q[CHUNK];
    float scale[GROUPS], sum[GROUPS];
} __attribute__((aligned(64)));

/* The largest absolute value; infinity or NaN if there is one, so that they are not lost. As integers: their order is
 * that of the floats, with NaN on top, and compilers vectorize it. */
static float max_abs(const float *x, int n) {
    int32_t max = 0;
    for (int i = 0; i < n; i++) {
        int32_t magnitude;
        memcpy(&magnitude, x + i, sizeof magnitude);
        magnitude &= 0x7fffffff;
        max = magnitude > max ? magnitude : max;
    }
    float result;
    memcpy(&result, &max, sizeof result);
    return result;
}

/* Rounds to integers of 8 bits and returns their sum. Adding 1.5·2²³ leaves the integer in the lowest bits. */
static int quantize(const float *x, int n, float inverse, int8_t *q) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        float shifted = x[i] * inverse + 0x1.8p23f;
        uint32_t bits_of_it;
        memcpy(&bits_of_it, &shifted, sizeof bits_of_it);
        q[i] = (int8_t)(uint8_t)bits_of_it;
        sum += q[i];
    }
    return sum;
}

/* Quantizes `k` activations, and zeros up to a whole chunk, with a scale for each `span`. Chunks are `step` apart. */
static void quantize_row(int groups, int span, const float *x, int64_t k, int64_t step, struct activations *out) {
    int size = CHUNK / groups;
    for (int64_t from = 0; from < k; from += CHUNK, out += step) {
        float padded[CHUNK];
        const float *v = x + from;
        if (k - from < CHUNK) {
            memset(padded, 0, sizeof padded);
            memcpy(padded, v, (size_t)(k - from) * sizeof(float));
            v = padded;
        }
        float max = 0;
        for (int g = 0; g < groups; g++) {
            if (g * size % span == 0) {
                max = max_abs(v + g * size, span);
            }
            out->scale[g] = max / 127;
            out->sum[g] = (float)quantize(v + g * size, size, max == 0 ? 0 : 127 / max, out->q + g * size);
        }
    }
}

/* Quantizes what quantize_row has lost, as rows of their own: both together have 16 bits. */
static void quantize_rest(
    int groups, int span, const float *x, int64_t k, int64_t step, const struct activations *row,
    struct activations *out) {
    int size = CHUNK / groups;
    for (int64_t from = 0; from < k; from += CHUNK, row += step, out += step) {
        float rest[CHUNK];
        int64_t n = k - from < CHUNK ? k - from : CHUNK;
        for (int i = 0; i < n; i++) {
            rest[i] = x[from + i] - (float)row->q[i] * row->scale[i / size];
        }
        quantize_row(groups, span, rest, n, 0, out);
    }
}

#endif
