/* Attention over registers of GCC's vector extension. A level includes it after it has defined
 *
 *   LEVEL(name)            its names
 *   LANES                  floats of a register
 *   VECTORS                registers of keys or values that meet 6 queries at once
 *   ints, floats           a register as lanes of int32_t and float
 *   INLINE and functions   half, load_f16, load_s8, floats_at, fma_floats, every_float, highest
 *
 * Queries are taken 6 at a time, over the heads that share the keys and then over the rows. For each page: scores are
 * the product of 6 queries and the transposed keys, lanes along the tokens; they become probabilities by the running
 * maximum of each query; sums are the product of probabilities and values, lanes along the elements of a head. Both are
 * small matrix products: 24 multiply-adds for 4 registers of keys or values.
 *
 * Up to 6 queries read a page where it lies. For more, F16 and Q8_0 become floats first, once for all.
 *
 * Source: Dao et al. 2022, "FlashAttention"; Milakov and Gimelshein 2018, "Online normalizer calculation for softmax".
 */
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
    return (floats)((ints)p + ((ints)shifted << 23));
}

/* ---- a page and up to 6 queries ------------------------------------------------------------------------------------ */

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

/* sums[r] = sums[r] · keep[r] + Σ p[r][t] · values[t], for `vectors` registers of elements from `at` on. */
INLINE void add_values(
    const int n, const int vectors, const int32_t type, const struct page *page, const struct queries *x, int tokens,
    float (*p)[TOKENS], const float *keep, int64_t at) {
    floats acc[QUERIES][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < n; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            acc[r][v] = floats_at(x->states + r * x->state_floats + at + v * LANES) * every_float(keep[r]);
        }
    }
#pragma GCC unroll 1
    for (int t = 0; t < tokens; t++) {
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
            floats b = every_float(p[r][t]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                acc[r][v] = fma_floats(x[v], b, acc[r][v]);
            }
        }
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
    int tokens = 0;
    score(n, type, page, x->q, s);
    for (int r = 0; r < n; r++) {
        keep[r] = soften(s[r], x->valid[r], x->states + r * x->state_floats + in_lines(page->dim));
        tokens = x->valid[r] > tokens ? x->valid[r] : tokens;
    }
    int64_t at = 0, end = padded(page->dim);
    for (; at + VECTORS * LANES <= end; at += VECTORS * LANES) {
        add_values(n, VECTORS, type, page, x, tokens, s, keep, at);
    }
    for (; at < end; at += LANES) {
        add_values(n, 1, type, page, x, tokens, s, keep, at);
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

/* ---- a page as floats ---------------------------------------------------------------------------------------------- */

/* `n` elements of F32 or F16. */
static void expand(int32_t type, const uint8_t *from, int64_t n, float *to) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        floats v = load(type, from, i);
        memcpy(to + i, &v, sizeof v);
    }
    for (; i < n; i++) {
        if (type == M4J_F16) {
            to[i] = half(from + 2 * i);
        } else {
            memcpy(to + i, from + 4 * i, sizeof *to);
        }
    }
}

/* A page of Q8_0 with its scales as floats, then with all of it as floats. */
static void expand_q8(const struct page *page, float *keys, float *values) {
    for (int64_t i = 0; i < page->dim * TOKENS; i += LANES) {
        floats scale = floats_at(page->key_scales + i / TOKENS / 32 * TOKENS + i % TOKENS);
        floats k = load_s8(page->keys + i) * scale;
        memcpy(keys + i, &k, sizeof k);
        floats v = load_s8(page->values + i) * every_float(page->value_scales[i / 32]);
        memcpy(values + i, &v, sizeof v);
    }
}

/* A page of F32 or F16; rows of values become whole registers. */
static void expand_floats(int32_t type, const struct page *page, float *keys, float *values) {
    expand(type, page->keys, page->dim * TOKENS, keys);
    memset(values, 0, (size_t)(padded(page->dim) * TOKENS) * sizeof(float));
    for (int t = 0; t < TOKENS; t++) {
        expand(type, page->values + t * page->dim * element_bytes(type), page->dim, values + t * padded(page->dim));
    }
}

/* ---- a piece of a sequence ----------------------------------------------------------------------------------------- */

int64_t LEVEL(attend_state)(int64_t dim) { return (in_lines(dim) + TAIL) * (int64_t)sizeof(float); }

int64_t LEVEL(attend_tmp)(int64_t dim, int32_t queries) {
    int64_t tiles = (queries + QUERIES - 1) / QUERIES;
    int64_t page = in_lines(dim) * TOKENS, scales = dim / 32 * TOKENS;
    return (tiles * QUERIES * in_lines(dim) + 2 * page + 2 * scales) * (int64_t)sizeof(float);
}

/* Queries as [tile][dim][QUERIES], scaled. */
static void pack(int64_t dim, int32_t group, int32_t rows, const float *q, int64_t q_stride, float *packed) {
    const float scale = (float)(1 / sqrt((double)dim));
    for (int32_t i = 0; i < rows * group; i++) {
        const float *from = q + i / group * q_stride + i % group * dim;
        float *to = packed + i / QUERIES * dim * QUERIES + i % QUERIES;
        for (int64_t d = 0; d < dim; d++) {
            to[d * QUERIES] = from[d] * scale;
        }
    }
}

static int tokens_seen(int64_t position, int64_t page) {
    int64_t seen = position + 1 - page * TOKENS;
    return (int)(seen < 0 ? 0 : seen < TOKENS ? seen : TOKENS);
}

void LEVEL(attend)(
    int32_t type, int64_t dim, int32_t group, int32_t rows, const float *q, int64_t q_stride, int32_t position,
    const void *const *pages, int64_t keys, int64_t values, int32_t first, int32_t count, void *states, void *tmp) {
    const int64_t state_floats = in_lines(dim) + TAIL;
    const int32_t queries = rows * group;
    const int64_t scales = dim / 32 * TOKENS;
    float *packed = tmp;
    float *key_floats = packed + (queries + QUERIES - 1) / QUERIES * QUERIES * in_lines(dim);
    float *value_floats = key_floats + in_lines(dim) * TOKENS;
    float *key_scales = value_floats + in_lines(dim) * TOKENS, *value_scales = key_scales + scales;
    const int in_place = dim % LANES == 0 && (type == M4J_F32 || queries <= QUERIES);
    attend_queries *const *tiles =
        !in_place || type == M4J_F32 ? f32_tiles : type == M4J_F16 ? f16_tiles : q8_0_tiles;
    pack(dim, group, rows, q, q_stride, packed);
    memset(states, 0, (size_t)(queries * state_floats) * sizeof(float));
    for (int32_t i = 0; i < queries; i++) {
        ((float *)states)[i * state_floats + in_lines(dim) + 16] = -FLT_MAX;
    }
    for (int32_t p = 0; p < count; p++) {
        const uint8_t *memory = pages[p];
        struct page page = {
            .dim = dim, .value_stride = dim, .keys = memory + keys, .values = memory + values,
            .next = (const uint8_t *)pages[p + 1 < count ? p + 1 : p] + keys, .key_scales = key_scales,
            .value_scales = value_scales};
        if (type == M4J_Q8_0) {
            expand(M4J_F16, page.keys + dim * TOKENS, scales, key_scales);
            expand(M4J_F16, page.values + dim * TOKENS, scales, value_scales);
        }
        if (!in_place) {
            if (type == M4J_Q8_0) {
                expand_q8(&page, key_floats, value_floats);
            } else {
                expand_floats(type, &page, key_floats, value_floats);
                page.value_stride = padded(dim);
            }
            page.keys = (const uint8_t *)key_floats;
            page.values = (const uint8_t *)value_floats;
        }
        for (int32_t i = 0; i < queries; i += QUERIES) {
            int n = queries - i < QUERIES ? queries - i : QUERIES;
            struct queries x = {
                .q = packed + i * dim, .states = (float *)states + i * state_floats, .state_floats = state_floats};
            for (int r = 0; r < n; r++) {
                x.valid[r] = tokens_seen((int64_t)position + (i + r) / group, (int64_t)first + p);
            }
            if (x.valid[n - 1] > 0) { /* the last query sees the most */
                tiles[n - 1](&page, &x);
            }
        }
    }
}

void LEVEL(attend_merge)(
    int64_t dim, int32_t group, int32_t rows, const void *states, int32_t pieces, int64_t piece_bytes, float *out,
    int64_t out_stride) {
    const int64_t state_floats = in_lines(dim) + TAIL;
    for (int32_t i = 0; i < rows * group; i++) {
        float *to = out + i / group * out_stride + i % group * dim;
        float max = -FLT_MAX, total = 0;
        for (int32_t p = 0; p < pieces; p++) {
            const float *state = (const float *)((const uint8_t *)states + p * piece_bytes) + i * state_floats;
            float piece = state[in_lines(dim) + 16];
            max = piece > max ? piece : max;
        }
        memset(to, 0, (size_t)dim * sizeof *to);
        for (int32_t p = 0; p < pieces; p++) {
            const float *state = (const float *)((const uint8_t *)states + p * piece_bytes) + i * state_floats;
            const float *tail = state + in_lines(dim);
            floats weight = exponential(every_float(tail[16]) - every_float(max));
            for (int l = 0; l < LANES; l++) {
                total += weight[0] * tail[l];
            }
            for (int64_t d = 0; d < dim; d++) {
                to[d] += weight[0] * state[d];
            }
        }
        for (int64_t d = 0; d < dim; d++) {
            to[d] /= total;
        }
    }
}
