/* Attention over registers of GCC's vector extension. A level includes it after it has defined
 *
 *   LEVEL(name)            its names
 *   LANES                  floats of a register
 *   VECTORS                registers of keys or values that meet 6 queries at once
 *   ints, floats           a register as lanes of int32_t and float
 *   INLINE and functions   half, load_f16, load_s8, floats_at, fma_floats, every_float, highest
 *
 * Queries are taken 6 at a time, over the heads that share the keys and then over the rows; attend_tile.h is what they do
 * with a page. Up to 6 queries read it where it lies. For more, F16 and Q8_0 become floats first, once for all.
 *
 * Source: Dao et al. 2022, "FlashAttention"; Milakov and Gimelshein 2018, "Online normalizer calculation for softmax".
 */
#include "attend_tile.h"

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
