/* Attention of up to 6 queries to a page of keys and values; attend.h says what a level defines before.
 *
 * Scores are the product of 6 queries and the transposed keys, lanes along the tokens; they become probabilities by the
 * running maximum of each query; sums are the product of probabilities and values, lanes along the elements of a head.
 * Both are small matrix products: 24 multiply-adds for 4 registers of keys or values.
 */
#ifndef MIXTRAL4J_ATTEND_TILE_H
#define MIXTRAL4J_ATTEND_TILE_H

#include "mixtral4j.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    TOKENS = M4J_PAGE_TOKENS,
    QUERIES = 6,
    TAIL = 32 /* floats of a state after its sums: totals in 16 lanes, then the maximum */
};

/* Elements of a head in whole registers, and in whole cache lines. */
static int64_t padded(int64_t dim) { return (dim + LANES - 1) / LANES * LANES; }
static int64_t in_lines(int64_t dim) { return (dim + 15) / 16 * 16; }

/* A page as up to 6 queries see it: keys [dim][TOKENS], values [TOKENS][value_stride]; in Q8_0 with the scales of each 32
 * elements as floats, [dim / 32][TOKENS] and [TOKENS][dim / 32]. `next` will be read after it. */
struct page {
    int64_t dim, value_stride;
    const uint8_t *keys, *values, *next;
    const float *key_scales, *value_scales;
};

/* Up to 6 queries: [dim][QUERIES] scaled floats, the states, and how many tokens of the page each of them sees. */
struct queries {
    const float *q;
    float *states;
    int64_t state_floats;
    int valid[QUERIES];
};

INLINE floats select(ints mask, floats yes, floats no) {
    return (floats)((mask & (ints)yes) | (~mask & (ints)no));
}

/* e^x for x up to 0, relative error below 3e-7; below -87.3 it stays at the smallest normal float. As Lanes.exp. */
INLINE floats exponential(floats x) {
    const floats least = every_float(-87.3f), round = every_float(12582912.0f);
    x = select(x < least, least, x); /* a NaN stays one */
    floats shifted = x * every_float(1.44269504f) + round;
    floats n = shifted - round;
    floats r = fma_floats(n, every_float(-0.693145752f), x);
    r = fma_floats(n, every_float(-1.42860677e-6f), r);
    floats p = fma_floats(every_float(1.0f / 720), r, every_float(1.0f / 120));
    p = fma_floats(p, r, every_float(1.0f / 24));
    p = fma_floats(p, r, every_float(1.0f / 6));
    p = fma_floats(p, r, every_float(0.5f));
    p = fma_floats(p, r, every_float(1));
    p = fma_floats(p, r, every_float(1));
    floats power = (floats)((ints)p + ((ints)shifted << 23));
    return select(x == x, power, x);
}

/* Bytes of an element, without its share of a scale. */
INLINE int64_t element_bytes(const int32_t type) { return type == M4J_F32 ? 4 : type == M4J_F16 ? 2 : 1; }

/* A register of elements from `i` on, without their scale. */
INLINE floats load(const int32_t type, const uint8_t *p, int64_t i) {
    p += i * element_bytes(type);
    return type == M4J_F32 ? floats_at(p) : type == M4J_F16 ? load_f16(p) : load_s8(p);
}

/* Asks for the place in `next` that is as far from its start as element `i` is from the start of what is read now: the
 * prefetcher of the processor stops at every 4 KiB. */
INLINE void prefetch(const int32_t type, const uint8_t *next, int64_t i) {
    for (int64_t b = 0; b < VECTORS * LANES * element_bytes(type); b += 64) {
        __builtin_prefetch(next + i * element_bytes(type) + b, 0, 2);
    }
}

/* s[r][t] = q[r] · keys[t] */
INLINE void score(const int n, const int32_t type, const struct page *page, const float *q, float (*s)[TOKENS]) {
    for (int at = 0; at < TOKENS; at += VECTORS * LANES) {
        floats acc[QUERIES][VECTORS];
#pragma GCC unroll 6
        for (int r = 0; r < n; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                acc[r][v] = every_float(0);
            }
        }
#pragma GCC unroll 1
        for (int64_t i = 0; i < page->dim; i++) {
            floats k[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                k[v] = load(type, page->keys, i * TOKENS + at + v * LANES);
                if (type == M4J_Q8_0) {
                    k[v] *= floats_at(page->key_scales + i / 32 * TOKENS + at + v * LANES);
                }
            }
            prefetch(type, page->values, i * TOKENS + at);
#pragma GCC unroll 6
            for (int r = 0; r < n; r++) {
                floats b = every_float(q[i * QUERIES + r]);
#pragma GCC unroll 4
                for (int v = 0; v < VECTORS; v++) {
                    acc[r][v] = fma_floats(k[v], b, acc[r][v]);
                }
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < n; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                memcpy(s[r] + at + v * LANES, &acc[r][v], sizeof(floats));
            }
        }
    }
}

/* Scores of one query become e^(score - maximum), 0 where it does not see the token. Returns the factor of what was
 * summed under an older maximum. */
INLINE float soften(float *s, int valid, float *tail) {
    for (int t = valid; t < TOKENS; t++) {
        s[t] = -FLT_MAX;
    }
    floats max = floats_at(s);
    for (int t = LANES; t < TOKENS; t += LANES) {
        floats other = floats_at(s + t);
        max = select(other > max, other, max);
    }
    float before = tail[16], now = highest(max);
    now = now > before ? now : before;
    tail[16] = now;
    for (int t = 0; t < TOKENS; t += LANES) {
        floats p = exponential(floats_at(s + t) - every_float(now));
        memcpy(s + t, &p, sizeof p);
    }
    memset(s + valid, 0, (size_t)(TOKENS - valid) * sizeof *s);
    floats keep = exponential(every_float(before) - every_float(now));
    floats total = floats_at(tail) * keep;
    for (int t = 0; t < TOKENS; t += LANES) {
        total += floats_at(s + t);
    }
    memcpy(tail, &total, sizeof total);
    return keep[0];
}

/* sums[r] += p[r][t] · values[t], if `seen` only of queries that see the token: 0 · infinity would be NaN. */
INLINE void add_value(const int n, const int vectors, const int32_t type, const struct page *page, const int *seen, int t,
    float (*p)[TOKENS], int64_t at, floats (*sums)[VECTORS]) {
    int64_t i = t * page->value_stride + at;
    floats x[VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        x[v] = load(type, page->values, i + v * LANES);
        if (type == M4J_Q8_0) {
            x[v] *= every_float(page->value_scales[(i + v * LANES) / 32]);
        }
    }
    prefetch(type, page->next, i);
#pragma GCC unroll 6
    for (int r = 0; r < n; r++) {
        if (seen && t >= seen[r]) {
            continue;
        }
        floats b = every_float(p[r][t]);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            sums[r][v] = fma_floats(x[v], b, sums[r][v]);
        }
    }
}

/* sums[r] = sums[r] · keep[r] + Σ p[r][t] · values[t], for `vectors` registers of elements from `at` on. All queries see
 * the first `common` tokens, and some of them those up to `tokens`. */
INLINE void add_values(
    const int n, const int vectors, const int32_t type, const struct page *page, const struct queries *x, int common,
    int tokens, float (*p)[TOKENS], const float *keep, int64_t at) {
    floats acc[QUERIES][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < n; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            acc[r][v] = floats_at(x->states + r * x->state_floats + at + v * LANES) * every_float(keep[r]);
        }
    }
#pragma GCC unroll 1
    for (int t = 0; t < common; t++) {
        add_value(n, vectors, type, page, NULL, t, p, at, acc);
    }
#pragma GCC unroll 1
    for (int t = common; t < tokens; t++) {
        add_value(n, vectors, type, page, x->valid, t, p, at, acc);
    }
#pragma GCC unroll 6
    for (int r = 0; r < n; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            memcpy(x->states + r * x->state_floats + at + v * LANES, &acc[r][v], sizeof(floats));
        }
    }
}

INLINE void attend_tile(const int n, const int32_t type, const struct page *page, const struct queries *x) {
    float s[QUERIES][TOKENS] __attribute__((aligned(64)));
    float keep[QUERIES];
    int common = TOKENS, tokens = 0;
    score(n, type, page, x->q, s);
    for (int r = 0; r < n; r++) {
        keep[r] = soften(s[r], x->valid[r], x->states + r * x->state_floats + in_lines(page->dim));
        common = x->valid[r] < common ? x->valid[r] : common;
        tokens = x->valid[r] > tokens ? x->valid[r] : tokens;
    }
    int64_t at = 0, end = padded(page->dim);
    for (; at + VECTORS * LANES <= end; at += VECTORS * LANES) {
        add_values(n, VECTORS, type, page, x, common, tokens, s, keep, at);
    }
    for (; at < end; at += LANES) {
        add_values(n, 1, type, page, x, common, tokens, s, keep, at);
    }
}

typedef void attend_queries(const struct page *page, const struct queries *x);

/* One function for each type and number of queries. */
#define X(name, type, n)                                                                                               \
    static void attend_##name##_##n(const struct page *page, const struct queries *x) { attend_tile(n, type, page, x); }
#define EVERY(name, type)                                                                                              \
    X(name, type, 1)                                                                                                   \
    X(name, type, 2)                                                                                                   \
    X(name, type, 3)                                                                                                   \
    X(name, type, 4)                                                                                                   \
    X(name, type, 5)                                                                                                   \
    X(name, type, 6)                                                                                                   \
    static attend_queries *const name##_tiles[] = {attend_##name##_1, attend_##name##_2, attend_##name##_3,            \
        attend_##name##_4, attend_##name##_5, attend_##name##_6};
EVERY(f32, M4J_F32)
EVERY(f16, M4J_F16)
EVERY(q8_0, M4J_Q8_0)
#undef EVERY
#undef X

#endif
