/* Products of a few rows of activations, and of one: memory sets the pace, so a weight is read once and met by all rows
 * while it is in a register.
 *
 * Lanes run along k. Four rows of weights are read side by side, far apart so that no two streams share a page, and
 * each register of activations that is fetched serves all four. Sums stay in memory: any number of rows is one loop.
 */
#include "avx512_activations.h"
#include "avx512_products.h"
#include "avx512_spread.h"

#define PREFETCH 1024 /* bytes ahead: the latency of memory at the speed of one core */

/* 256 activations, `planes` bytes each, in the order of the weights: see few_w. */
struct few_x {
    float scale[LANES], sum[LANES]; /* sum: of the activations, scaled */
    int8_t q[][CHUNK];
};

INLINE int64_t few_x_bytes(int planes) { return (int64_t)sizeof(struct few_x) + planes * CHUNK; }

/* Sums of two neighbouring lanes, those of `a` in even lanes and those of `b` in odd ones. */
INLINE __m512i add_neighbours(__m512i a, __m512i b) {
    __m512i same = _mm512_mask_blend_epi32(0xaaaa, a, b), other = _mm512_mask_blend_epi32(0x5555, a, b);
    return _mm512_add_epi32(same, _mm512_shuffle_epi32(other, _MM_PERM_CDAB));
}

/* Adds the product with one row of activations to the sums of that row: STREAMS registers, or half as many. */
INLINE void multiply_chunk(const struct few_w *w, int groups, int planes, const struct few_x *x, __m512 *acc) {
    const int both = groups == 8, registers = both ? STREAMS / 2 : STREAMS;
    __m512i dot[STREAMS];
#pragma GCC unroll 4
    for (int s = 0; s < STREAMS; s++) {
        dot[s] = _mm512_setzero_si512();
    }
#pragma GCC unroll 2
    for (int p = 0; p < planes; p++) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            __m512i v = _mm512_loadu_si512(x->q[p] + 64 * i);
#pragma GCC unroll 4
            for (int s = 0; s < STREAMS; s++) {
                __m512i before = p && i == 0 ? _mm512_slli_epi32(dot[s], 8) : dot[s];
                dot[s] = _mm512_dpbusd_epi32(before, w->q[s][i], v);
            }
        }
    }
    __m512 scale = _mm512_loadu_ps(x->scale), sum = _mm512_loadu_ps(x->sum);
#pragma GCC unroll 4
    for (int i = 0; i < registers; i++) {
        __m512i products = both ? add_neighbours(dot[2 * i], dot[2 * i + 1]) : dot[i];
        __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(products), scale);
        acc[i] = _mm512_fmadd_ps(w->scale[i], scaled, _mm512_fmadd_ps(w->minimum[i], sum, acc[i]));
    }
}

static float sum_of_stream(const __m512 *acc, int groups, int s) {
    return groups == 8 ? _mm512_mask_reduce_add_ps(s % 2 ? 0xaaaa : 0x5555, acc[s / 2]) : _mm512_reduce_add_ps(acc[s]);
}

#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    INLINE void streams_##name(const int planes, int64_t k, const uint8_t *const *w, const uint8_t *x, int32_t rows,   \
        __m512 (*acc)[STREAMS]) {                                                                                      \
        enum { CHUNK_BYTES = CHUNK / block * bytes };                                                                  \
        for (int64_t from = 0, at = 0; from < k; from += CHUNK, at += CHUNK_BYTES) {                                   \
            struct few_w spread_w;                                                                                     \
            const uint8_t *b[STREAMS];                                                                                 \
            _Pragma("GCC unroll 4") for (int s = 0; s < STREAMS; s++) {                                                \
                b[s] = w[s] + at;                                                                                      \
                for (int p = 0; p < CHUNK_BYTES; p += 64) {                                                            \
                    _mm_prefetch((const char *)((uintptr_t)b[s] + PREFETCH + p), _MM_HINT_T0);                         \
                }                                                                                                      \
            }                                                                                                          \
            if (apart(type)) {                                                                                         \
                spread_apart(type, b, &spread_w);                                                                      \
            } else {                                                                                                   \
                struct chunk c[STREAMS];                                                                               \
                uint8_t rest[CHUNK_BYTES];                                                                             \
                _Pragma("GCC unroll 4") for (int s = 0; s < STREAMS; s++) {                                            \
                    unpack_##name(m4j_whole(b[s], (k - from) / block * bytes, CHUNK_BYTES, rest), c + s);              \
                }                                                                                                      \
                spread(c, groups, &spread_w);                                                                          \
            }                                                                                                          \
            for (int32_t r = 0; r < rows; r++, x += few_x_bytes(planes)) {                                             \
                multiply_chunk(&spread_w, groups, planes, (const struct few_x *)x, acc[r]);                            \
            }                                                                                                          \
        }                                                                                                              \
    }
QUANTIZED(X)
#undef X

/* Columns of float weights that are met at a time: 4 registers of each stream. */
#define SPAN 64

#define X(name, type, bytes)                                                                                           \
    INLINE void streams_##name(                                                                                        \
        int64_t k, const uint8_t *const *w, const float *x, int32_t rows, __m512 (*acc)[STREAMS]) {                    \
        for (int64_t from = 0; from < k; from += SPAN) {                                                               \
            __m512 v[STREAMS][SPAN / LANES];                                                                           \
            _Pragma("GCC unroll 4") for (int s = 0; s < STREAMS; s++) {                                                \
                const uint8_t *b = w[s] + from * bytes;                                                                \
                for (int p = 0; p < SPAN * bytes; p += 64) {                                                           \
                    _mm_prefetch((const char *)((uintptr_t)b + PREFETCH + p), _MM_HINT_T0);                            \
                }                                                                                                      \
                _Pragma("GCC unroll 4") for (int i = 0; i < SPAN / LANES; i++) {                                       \
                    v[s][i] = load_##name(b + i * LANES * bytes, first(k - from - i * LANES));                         \
                }                                                                                                      \
            }                                                                                                          \
            for (int32_t r = 0; r < rows; r++, x += SPAN) {                                                            \
                _Pragma("GCC unroll 4") for (int s = 0; s < STREAMS; s++) {                                            \
                    __m512 sum = acc[r][s];                                                                            \
                    _Pragma("GCC unroll 4") for (int i = 0; i < SPAN / LANES; i++) {                                   \
                        sum = _mm512_fmadd_ps(v[s][i], _mm512_loadu_ps(x + i * LANES), sum);                           \
                    }                                                                                                  \
                    acc[r][s] = sum;                                                                                   \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }
FLOATS(X)
#undef X

static int planes_of(int32_t precise) { return precise ? 2 : 1; }

int64_t m4j_few_bytes(int32_t type, int32_t precise, int64_t k) {
    return groups_of(type) ? chunks_of(k) * few_x_bytes(planes_of(precise))
                           : (k + SPAN - 1) / SPAN * SPAN * (int64_t)sizeof(float);
}

static void quantize_chunk(int32_t type, int groups, int planes, const float *v, struct few_x *out) {
    int8_t q[2][CHUNK];
    int size = CHUNK / groups, piece = size / 4, lanes = LANES / groups;
    for (int i = 0; i < groups; i++) {
        int from = group_at(type, groups, i) * size, sum;
        float scale = quantize_group(v + from, size, planes, q[0] + from, &sum);
        for (int p = 0; p < planes; p++) {
            for (int j = 0; j < 4; j++) {
                memcpy(out->q[p] + 64 * j + piece * i, q[p] + from + piece * j, (size_t)piece);
            }
        }
        for (int j = 0; j < lanes; j++) {
            out->scale[i * lanes + j] = scale;
            out->sum[i * lanes + j] = scale * (float)sum;
        }
    }
}

/* A chunk, or SPAN columns, of all rows, then the next. */
void m4j_few_x(int32_t type, int32_t precise, int64_t k, const float *x, int32_t row, int32_t rows, void *out) {
    int groups = groups_of(type), planes = planes_of(precise);
    if (groups) {
        for (int64_t from = 0, at = row; from < k; from += CHUNK, at += rows) {
            float buffer[CHUNK];
            struct few_x *to = (struct few_x *)((uint8_t *)out + at * few_x_bytes(planes));
            quantize_chunk(type, groups, planes, padded(x, k, from, buffer), to);
        }
        return;
    }
    float *to = (float *)out + (int64_t)row * SPAN;
    for (int64_t from = 0; from < k; from += SPAN, to += (int64_t)rows * SPAN) {
        for (int i = 0; i < SPAN; i += LANES) {
            _mm512_storeu_ps(to + i, _mm512_maskz_loadu_ps(first(k - from - i), x + from + i));
        }
    }
}

/* Four rows of weights times all rows of activations. */
typedef void streams(int64_t k, const uint8_t *const *w, const void *x, int32_t rows, __m512 (*acc)[STREAMS]);

static void all_rows(streams *multiply, int groups, int64_t k, const uint8_t *w, int64_t stride, int32_t w_rows,
    const void *x, int32_t rows, float *y, int64_t y_stride) {
    __m512 acc[MOST_FEW][STREAMS];
    int32_t share = w_rows / STREAMS, rest = w_rows % STREAMS;
    for (int32_t r = 0; r < share + (rest > 0); r++) {
        int32_t at[STREAMS];
        const uint8_t *streams[STREAMS];
        for (int s = 0; s < STREAMS; s++) {
            /* The last rows are fewer than the streams: the others repeat one of them. */
            at[s] = r < share ? s * share + r : share * STREAMS + (s < rest ? s : rest - 1);
            streams[s] = w + at[s] * stride;
        }
        memset(acc, 0, (size_t)rows * sizeof acc[0]);
        multiply(k, streams, x, rows, acc);
        for (int32_t j = 0; j < rows; j++) {
            for (int s = 0; s < STREAMS; s++) {
                y[j * y_stride + at[s]] = sum_of_stream(acc[j], groups, s);
            }
        }
    }
}

#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    static void few_##name(                                                                                            \
        int64_t k, const uint8_t *const *w, const void *x, int32_t rows, __m512 (*acc)[STREAMS]) {                     \
        streams_##name(1, k, w, x, rows, acc);                                                                         \
    }                                                                                                                  \
    static void precise_##name(                                                                                        \
        int64_t k, const uint8_t *const *w, const void *x, int32_t rows, __m512 (*acc)[STREAMS]) {                     \
        streams_##name(2, k, w, x, rows, acc);                                                                         \
    }
QUANTIZED(X)
#undef X

#define X(name, type, bytes)                                                                                           \
    static void few_##name(                                                                                            \
        int64_t k, const uint8_t *const *w, const void *x, int32_t rows, __m512 (*acc)[STREAMS]) {                     \
        streams_##name(k, w, x, rows, acc);                                                                            \
    }
FLOATS(X)
#undef X

void m4j_few(int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
    int32_t rows, float *y, int64_t y_stride) {
    switch (type) {
#define X(name, type, block, bytes, groups, excess, bound)                                                             \
    case type:                                                                                                         \
        all_rows(precise ? precise_##name : few_##name, groups, k, w, stride, w_rows, x, rows, y, y_stride);           \
        break;
        QUANTIZED(X)
#undef X
#define X(name, type, bytes)                                                                                           \
    case type: all_rows(few_##name, 0, k, w, stride, w_rows, x, rows, y, y_stride); break;
        FLOATS(X)
#undef X
    }
}
