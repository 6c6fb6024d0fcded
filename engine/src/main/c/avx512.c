/* The level "avx512": 512-bit registers, with the byte products of VNNI, the permutes of VBMI, and bfloat16.
 *
 * gemv: one row of weights, lanes along k. Activations of 8 bits carry a scale for each group of the weights.
 * gemm: 64 rows of weights are unpacked, lanes along the rows, for 256 columns at a time, and meet up to 6 rows of
 *       activations at once: as bytes, with the same activations; as pairs of bfloat16, if the product is to be precise
 *       or the weights are F16 or BF16; or, for F32 weights, as floats.
 */
#include "avx512.h"

#define PREFETCH 1024 /* bytes ahead of gemv: the latency of memory at the speed of one core */

struct format {
    int block, bytes, groups, excess;
};

static struct format format_of(int32_t type) {
    switch (type) {
#define X(name, type, block, bytes, groups, excess)                                                                    \
    case type: return (struct format){block, bytes, groups, excess};
        FORMATS(X)
#undef X
    default: return (struct format){0, 0, 0, 0}; /* floats */
    }
}

static int64_t chunks_of(int64_t k) { return (k + CHUNK - 1) / CHUNK; }

/* ---- activations ------------------------------------------------------------------------------------------------ */

/* 256 activations for gemv. With 8 groups, `a` holds the scales of each 32 and then their scaled sums; with 16 groups
 * `a` holds the scales of each 16, `b` their scaled sums. */
struct gemv_x {
    int8_t q[CHUNK];
    float a[LANES], b[LANES];
};

/* 256 activations for gemm: `sums` of each 32 are integers times −excess for symmetric formats, else floats. */
struct gemm_x {
    int8_t q[CHUNK];
    union {
        int32_t integers[16];
        float floats[16];
    } sums;
    float scale[16];
};

/* The largest magnitude, or NaN if there is one: as integers, the bits of NaN are larger than those of any number. */
INLINE float max_abs(const float *x, int n) {
    __m512i max = _mm512_setzero_si512();
    for (int i = 0; i < n; i += LANES) {
        __m512i bits = _mm512_loadu_si512(x + i);
        max = _mm512_max_epi32(max, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
    }
    int32_t largest = _mm512_reduce_max_epi32(max);
    float f;
    memcpy(&f, &largest, sizeof f);
    return f;
}

/* Quantizes 16 activations and returns their sum. */
INLINE int quantize(const float *x, float inverse, int8_t *q) {
    __m512i n = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse)));
    _mm_storeu_si128((__m128i *)q, _mm512_cvtepi32_epi8(n));
    return _mm512_reduce_add_epi32(n);
}

/* The next 256 of `k` activations, the rest zeros. */
INLINE const float *padded(const float *x, int64_t k, int64_t from, float *buffer) {
    if (k - from >= CHUNK) {
        return x + from;
    }
    memset(buffer, 0, CHUNK * sizeof(float));
    memcpy(buffer, x + from, (size_t)(k - from) * sizeof(float));
    return buffer;
}

/* Quantizes a group of 32 or 16 activations and returns its scale. */
INLINE float quantize_group(const float *x, int n, int8_t *q, int *sum) {
    float max = max_abs(x, n);
    float inverse = max == 0 ? 0 : 127 / max;
    *sum = quantize(x, inverse, q);
    if (n > LANES) {
        *sum += quantize(x + LANES, inverse, q + LANES);
    }
    return max / 127;
}

static void quantize_for_gemv(int groups, const float *x, int64_t k, struct gemv_x *out) {
    float buffer[CHUNK];
    int n = CHUNK / groups;
    for (int64_t from = 0; from < k; from += CHUNK, out++) {
        const float *v = padded(x, k, from, buffer);
        float *sums = groups == 8 ? out->a + 8 : out->b;
        for (int g = 0; g < groups; g++) {
            int sum;
            out->a[g] = quantize_group(v + n * g, n, out->q + n * g, &sum);
            sums[g] = out->a[g] * (float)sum;
        }
    }
}

static void quantize_for_gemm(struct format f, const float *x, int64_t k, int64_t step, struct gemm_x *out) {
    float buffer[CHUNK];
    int n = CHUNK / f.groups;
    for (int64_t from = 0; from < k; from += CHUNK, out += step) {
        const float *v = padded(x, k, from, buffer);
        for (int g = 0; g < f.groups; g++) {
            int sum;
            out->scale[g] = quantize_group(v + n * g, n, out->q + n * g, &sum);
            if (f.excess) {
                out->sums.integers[g] = -f.excess * sum;
            } else {
                out->sums.floats[g] = out->scale[g] * (float)sum;
            }
        }
    }
}

/* ---- one row of activations ------------------------------------------------------------------------------------- */

/* The factors of the lanes of register j: a group is 8 lanes of 4 bytes, or 4 lanes. */
INLINE __m512 spread(__m512 factors, int groups, int j) {
    const __m512i eight = _mm512_set_epi32(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i four = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    __m512i lanes = groups == 8 ? _mm512_add_epi32(eight, _mm512_set1_epi32(2 * j))
                                : _mm512_add_epi32(four, _mm512_set1_epi32(4 * j));
    return _mm512_permutexvar_ps(lanes, factors);
}

INLINE __m512 multiply_chunk(const struct chunk *c, int groups, const struct gemv_x *x, __m512 acc) {
    __m512 scale = _mm512_mul_ps(c->scale, _mm512_loadu_ps(x->a));
    if (groups == 8) {
        acc = _mm512_mask_add_ps(acc, 0xff00, acc, scale);
    } else {
        acc = _mm512_fmadd_ps(c->minimum, _mm512_loadu_ps(x->b), acc);
    }
    for (int j = 0; j < 4; j++) {
        __m512i dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(), c->q[j], _mm512_loadu_si512(x->q + 64 * j));
        acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), spread(scale, groups, j), acc);
    }
    return acc;
}

/* The activations of longer rows do not stay in a first-level cache of 32 KB under the stream of weights. Then rows of
 * weights are read side by side, far apart so that no two streams share a page, and activations are fetched once for
 * all: 18 instead of 13 GB/s in rows of 16384. */
#define LONG_ROW 8192
#define STREAMS 4

#define X(name, type, block, bytes, groups, excess)                                                                    \
    INLINE void chunk_##name(const uint8_t *b, const struct gemv_x *x, __m512 *acc) {                                  \
        enum { CHUNK_BYTES = CHUNK / block * bytes };                                                                  \
        struct chunk c;                                                                                                \
        for (int p = 0; p < CHUNK_BYTES; p += 64) {                                                                    \
            _mm_prefetch((const char *)((uintptr_t)b + PREFETCH + p), _MM_HINT_T0);                                    \
        }                                                                                                              \
        unpack_##name(b, &c);                                                                                          \
        *acc = multiply_chunk(&c, groups, x, *acc);                                                                    \
    }                                                                                                                  \
    /* `n` rows, `step` bytes apart; their sums go to y, `y_step` apart. */                                            \
    INLINE void rows_##name(                                                                                           \
        const int n, int64_t k, const uint8_t *w, int64_t step, const struct gemv_x *x, float *y, int64_t y_step) {    \
        enum { CHUNK_BYTES = CHUNK / block * bytes };                                                                  \
        __m512 acc[STREAMS];                                                                                           \
        for (int r = 0; r < n; r++) {                                                                                  \
            acc[r] = _mm512_setzero_ps();                                                                              \
        }                                                                                                              \
        int64_t i = 0;                                                                                                 \
        for (; i < k / CHUNK; i++) {                                                                                   \
            _Pragma("GCC unroll 4") for (int r = 0; r < n; r++) {                                                      \
                chunk_##name(w + r * step + i * CHUNK_BYTES, x + i, acc + r);                                          \
            }                                                                                                          \
        }                                                                                                              \
        for (int r = 0; r < n; r++) {                                                                                  \
            if (k % CHUNK) {                                                                                           \
                uint8_t rest[CHUNK_BYTES] = {0};                                                                       \
                memcpy(rest, w + r * step + i * CHUNK_BYTES, (size_t)(k % CHUNK / block * bytes));                     \
                chunk_##name(rest, x + i, acc + r);                                                                    \
            }                                                                                                          \
            y[r * y_step] = _mm512_reduce_add_ps(acc[r]);                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    static void gemv_##name(                                                                                           \
        int64_t k, const uint8_t *w, int64_t stride, int32_t rows, const struct gemv_x *x, float *y) {                 \
        int32_t share = k > LONG_ROW ? rows / STREAMS : 0;                                                             \
        for (int32_t r = 0; r < share; r++) {                                                                          \
            rows_##name(STREAMS, k, w + r * stride, share * stride, x, y + r, share);                                  \
        }                                                                                                              \
        for (int32_t r = share * STREAMS; r < rows; r++) {                                                             \
            rows_##name(1, k, w + r * stride, 0, x, y + r, 0);                                                         \
        }                                                                                                              \
    }
FORMATS(X)
#undef X

#define X(name, type, bytes)                                                                                           \
    static void gemv_##name(int64_t k, const uint8_t *w, int64_t stride, int32_t rows, const float *x, float *y) {     \
        for (int32_t r = 0; r < rows; r++, w += stride) {                                                              \
            __m512 acc0 = _mm512_setzero_ps(), acc1 = acc0, acc2 = acc0, acc3 = acc0;                                  \
            int64_t i = 0;                                                                                             \
            for (; i + 64 <= k; i += 64) {                                                                             \
                const uint8_t *b = w + i * bytes;                                                                      \
                for (int p = 0; p < 64 * bytes; p += 64) {                                                             \
                    _mm_prefetch((const char *)b + PREFETCH + p, _MM_HINT_T0);                                         \
                }                                                                                                      \
                acc0 = _mm512_fmadd_ps(load_##name(b, 0xffff), _mm512_loadu_ps(x + i), acc0);                          \
                acc1 = _mm512_fmadd_ps(load_##name(b + 16 * bytes, 0xffff), _mm512_loadu_ps(x + i + 16), acc1);        \
                acc2 = _mm512_fmadd_ps(load_##name(b + 32 * bytes, 0xffff), _mm512_loadu_ps(x + i + 32), acc2);        \
                acc3 = _mm512_fmadd_ps(load_##name(b + 48 * bytes, 0xffff), _mm512_loadu_ps(x + i + 48), acc3);        \
            }                                                                                                          \
            for (; i < k; i += 16) {                                                                                   \
                __mmask16 mask = (__mmask16)(k - i >= 16 ? 0xffff : (1 << (k - i)) - 1);                               \
                acc0 = _mm512_fmadd_ps(load_##name(w + i * bytes, mask), _mm512_maskz_loadu_ps(mask, x + i), acc0);    \
            }                                                                                                          \
            y[r] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(acc0, acc1), _mm512_add_ps(acc2, acc3)));          \
        }                                                                                                              \
    }
FLOATS(X)
#undef X

int64_t mixtral4j_avx512_gemv_bytes(int32_t type, int64_t k) {
    int64_t floats = (k * 4 + 63) / 64 * 64;
    return format_of(type).groups ? chunks_of(k) * (int64_t)sizeof(struct gemv_x) : floats;
}

void mixtral4j_avx512_gemv_x(int32_t type, int64_t k, const float *x, void *out) {
    struct format f = format_of(type);
    if (f.groups) {
        quantize_for_gemv(f.groups, x, k, out);
    } else {
        memcpy(out, x, (size_t)k * sizeof(float));
    }
}

void mixtral4j_avx512_gemv(
    int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y) {
    switch (type) {
#define X(name, type, ...)                                                                                             \
    case type: gemv_##name(k, w, stride, rows, x, y); break;
        FORMATS(X)
        FLOATS(X)
#undef X
    }
}

/* ---- many rows of activations ----------------------------------------------------------------------------------- */

#define VECTORS 4                  /* registers of weight rows in a tile */
#define TILE (VECTORS * LANES)     /* weight rows of a tile */
#define ROWS 6                     /* rows of activations that a tile meets at once: 24 accumulators of 32 registers */
#define DEPTH 128                  /* lanes of 4 bytes of a tile of floats, or of pairs of bfloat16 */

/* 16 rows × 256 columns of quantized weights, lanes along the rows. */
struct tile {
    __m512i q[CHUNK / 4];
    __m512 scale[2 * LANES]; /* of 8 or 16 groups, then their minimums */
};

/* Transposes what unpacking has left: row by row, four registers of quants and one or two of factors. */
static void gather(const __m512i *q, const __m512i *factors, int groups, struct tile *t) {
    transpose_rows(q, 4, t->q);
    transpose_rows(factors, groups / 8, (__m512i *)t->scale);
}

/* `n` of the 256 columns exist. Prefetches the columns after the next. */
#define X(name, type, block, bytes, groups, excess)                                                                    \
    static void bytes_##name(const uint8_t *w, int64_t stride, int rows, int n, struct tile *t) {                      \
        enum { CHUNK_BYTES = CHUNK / block * bytes };                                                                  \
        __m512i q[16][4], factors[16][groups / 8];                                                                     \
        memset(q[rows], 0, (size_t)(16 - rows) * sizeof q[0]);                                                         \
        memset(factors + rows, 0, (size_t)(16 - rows) * sizeof factors[0]);                                            \
        for (int r = 0; r < rows; r++, w += stride) {                                                                  \
            struct chunk c;                                                                                            \
            for (int p = 0; p < CHUNK_BYTES; p += 64) {                                                                \
                _mm_prefetch((const char *)w + 2 * CHUNK_BYTES + p, _MM_HINT_T1);                                      \
            }                                                                                                          \
            if (n == CHUNK) {                                                                                          \
                unpack_##name(w, &c);                                                                                  \
            } else {                                                                                                   \
                uint8_t rest[CHUNK_BYTES] = {0};                                                                       \
                memcpy(rest, w, (size_t)(n / block * bytes));                                                          \
                unpack_##name(rest, &c);                                                                               \
            }                                                                                                          \
            memcpy(q[r], c.q, sizeof c.q);                                                                             \
            memcpy(factors[r], &c.scale, sizeof factors[0]);                                                           \
        }                                                                                                              \
        gather(q[0], factors[0], groups, t);                                                                           \
    }
FORMATS(X)
#undef X

/* `vectors` × 16 weight rows times `rows` rows of activations, 256 columns, added to `acc[row][vector]`. */
INLINE void multiply_tile(const int vectors, const int rows, const int groups, const int symmetric,
    const struct tile *t, const struct gemm_x *x, __m512 *acc) {
    const int quads = CHUNK / 4 / groups;
    for (int g = 0; g < groups; g++) {
        __m512i dot[ROWS][VECTORS];
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                dot[r][v] = symmetric ? _mm512_set1_epi32(x[r].sums.integers[g]) : _mm512_setzero_si512();
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < quads; i++) {
            __m512i q[VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                q[v] = t[v].q[quads * g + i];
            }
#pragma GCC unroll 6
            for (int r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, x[r].q + 4 * (quads * g + i), 4);
                __m512i xs = _mm512_set1_epi32(four);
#pragma GCC unroll 4
                for (int v = 0; v < vectors; v++) {
                    dot[r][v] = _mm512_dpbusd_epi32(dot[r][v], q[v], xs);
                }
            }
        }
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(dot[r][v]), _mm512_set1_ps(x[r].scale[g]));
                __m512 sum = _mm512_fmadd_ps(f, t[v].scale[g], acc[r * VECTORS + v]);
                if (!symmetric) {
                    sum = _mm512_fmadd_ps(t[v].scale[groups + g], _mm512_set1_ps(x[r].sums.floats[g]), sum);
                }
                acc[r * VECTORS + v] = sum;
            }
        }
    }
}

#define MULTIPLY(vectors, rows, ...)                                                                                   \
    switch (rows) {                                                                                                    \
    case 1: multiply(vectors, 1, __VA_ARGS__); break;                                                                  \
    case 2: multiply(vectors, 2, __VA_ARGS__); break;                                                                  \
    case 3: multiply(vectors, 3, __VA_ARGS__); break;                                                                  \
    case 4: multiply(vectors, 4, __VA_ARGS__); break;                                                                  \
    case 5: multiply(vectors, 5, __VA_ARGS__); break;                                                                  \
    default: multiply(vectors, 6, __VA_ARGS__); break;                                                                 \
    }

/* `vectors` registers of weight rows times all rows of activations, `step` of which belong to one row. */
#define PRODUCT(vectors, rows, t, x, step, ...)                                                                        \
    for (int32_t r = 0; r < rows; r += ROWS) {                                                                         \
        int n = rows - r < ROWS ? rows - r : ROWS;                                                                     \
        if (vectors == VECTORS) {                                                                                      \
            MULTIPLY(VECTORS, n, __VA_ARGS__, t, x + r * step, acc + r * VECTORS)                                      \
        } else {                                                                                                       \
            for (int v = 0; v < vectors; v++) {                                                                        \
                MULTIPLY(1, n, __VA_ARGS__, t + v, x + r * step, acc + r * VECTORS + v)                                \
            }                                                                                                          \
        }                                                                                                              \
    }

#define multiply multiply_tile
/* One function for each shape of the factors; `multiply` inside is specialized for each number of rows. */
#define TILE_PRODUCT(name, groups, symmetric)                                                                          \
    static void name(int vectors, int32_t rows, const struct tile *t, const struct gemm_x *x, __m512 *acc) {           \
        PRODUCT(vectors, rows, t, x, 1, groups, symmetric)                                                             \
    }
TILE_PRODUCT(symmetric_8, 8, 1)
TILE_PRODUCT(affine_8, 8, 0)
TILE_PRODUCT(symmetric_16, 16, 1)
TILE_PRODUCT(affine_16, 16, 0)
#define product_8(excess) ((excess) ? symmetric_8 : affine_8)
#define product_16(excess) ((excess) ? symmetric_16 : affine_16)
#undef multiply

/* Writes the sums of `w_rows` weight rows, for each row of activations VECTORS registers. */
static void store(const __m512 *acc, int32_t w_rows, int32_t rows, float *y, int64_t y_stride) {
    for (int32_t r = 0; r < rows; r++) {
        for (int v = 0; v * LANES < w_rows; v++) {
            _mm512_mask_storeu_ps(y + r * y_stride + v * LANES, first(w_rows - v * LANES), acc[r * VECTORS + v]);
        }
    }
}

typedef void unpack_bytes(const uint8_t *w, int64_t stride, int rows, int n, struct tile *t);
typedef void tile_product(int vectors, int32_t rows, const struct tile *t, const struct gemm_x *x, __m512 *acc);

/* 16 rows × 256 columns as pairs of bfloat16: t[i] holds columns 2 i and 2 i + 1 of all rows. */
#define X(name, ...)                                                                                                   \
    static void tile_##name(const uint8_t *w, int64_t stride, int rows, int n, __m512i *t) {                           \
        __m512i pairs[16][8];                                                                                          \
        memset(pairs[rows], 0, (size_t)(16 - rows) * sizeof pairs[0]);                                                 \
        for (int r = 0; r < rows; r++) {                                                                               \
            pairs_##name(w + r * stride, n, pairs[r]);                                                                 \
        }                                                                                                              \
        transpose_rows(pairs[0], 8, t);                                                                                \
    }
FORMATS(X)
X(f16)
X(bf16)
#undef X

typedef void unpack_pairs(const uint8_t *w, int64_t stride, int rows, int n, __m512i *t);

static void gemm_bytes(unpack_bytes *unpack, tile_product *product, int64_t chunk_bytes, int64_t k, const uint8_t *w,
    int64_t stride, int32_t w_rows, const struct gemm_x *x, int32_t rows, __m512 *acc) {
    struct tile tiles[VECTORS];
    int vectors = (w_rows + LANES - 1) / LANES;
    for (int64_t from = 0; from < k; from += CHUNK, w += chunk_bytes, x += rows) {
        int n = k - from < CHUNK ? (int)(k - from) : CHUNK;
        for (int v = 0; v < vectors; v++) {
            int left = w_rows - v * LANES;
            unpack(w + v * LANES * stride, stride, left < LANES ? left : LANES, n, tiles + v);
        }
        product(vectors, rows, tiles, x, acc);
    }
}

/* DEPTH lanes of 4 bytes, a float or a pair of bfloat16, of 16 weight rows. */
typedef __m512i floats[DEPTH];

INLINE void multiply_floats(
    const int vectors, const int rows, const int pairs, const floats *t, const int32_t *x, __m512 *acc) {
    __m512 sum[ROWS][VECTORS];
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            sum[r][v] = acc[r * VECTORS + v];
        }
    }
    for (int i = 0; i < DEPTH; i++) {
        __m512i w[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            w[v] = t[v][i];
        }
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            __m512i xs = _mm512_set1_epi32(x[r * DEPTH + i]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                sum[r][v] = pairs ? _mm512_dpbf16_ps(sum[r][v], (__m512bh)w[v], (__m512bh)xs)
                                  : _mm512_fmadd_ps((__m512)w[v], (__m512)xs, sum[r][v]);
            }
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            acc[r * VECTORS + v] = sum[r][v];
        }
    }
}

#define multiply multiply_floats
static void gemm_pairs(unpack_pairs *unpack, int64_t chunk_bytes, int64_t k, const uint8_t *w, int64_t stride,
    int32_t w_rows, const int32_t *x, int32_t rows, __m512 *acc) {
    floats t[VECTORS];
    int vectors = (w_rows + LANES - 1) / LANES;
    for (int64_t from = 0; from < k; from += CHUNK, w += chunk_bytes, x += rows * DEPTH) {
        int depth = k - from < CHUNK ? (int)(k - from) : CHUNK;
        for (int v = 0; v < vectors; v++) {
            int left = w_rows - v * LANES;
            unpack(w + v * LANES * stride, stride, left < LANES ? left : LANES, depth, t[v]);
        }
        PRODUCT(vectors, rows, t, x, DEPTH, 1)
    }
}

static void gemm_f32(
    int64_t k, const uint8_t *w, int64_t stride, int32_t w_rows, const int32_t *x, int32_t rows, __m512 *acc) {
    floats t[VECTORS];
    int vectors = (w_rows + LANES - 1) / LANES;
    for (int64_t from = 0; from < k; from += DEPTH, x += rows * DEPTH) {
        for (int v = 0; v < vectors; v++) {
            __m512i r[16][DEPTH / LANES];
            for (int i = 0; i < 16; i++) {
                int exists = v * LANES + i < w_rows;
                const uint8_t *row = w + (v * LANES + i) * stride + from * 4;
                for (int c = 0; c < DEPTH / LANES; c++) {
                    __mmask16 mask = exists ? first(k - from - c * LANES) : 0;
                    r[i][c] = (__m512i)load_f32(row + c * 64, mask);
                }
            }
            transpose_rows(r[0], DEPTH / LANES, t[v]);
        }
        PRODUCT(vectors, rows, t, x, DEPTH, 0)
    }
}
#undef multiply

/* Whether a product is one of bytes. */
static int of_bytes(struct format f, int32_t precise) { return f.groups && !precise; }

int64_t mixtral4j_avx512_gemm_bytes(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    if (of_bytes(format_of(type), precise)) {
        return chunks_of(k) * rows * (int64_t)sizeof(struct gemm_x);
    }
    int64_t columns = type == M4J_F32 ? DEPTH : CHUNK;
    return (k + columns - 1) / columns * DEPTH * rows * (int64_t)sizeof(float);
}

void mixtral4j_avx512_gemm_x(int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride,
    int32_t rows, int32_t from, int32_t to, void *out) {
    struct format f = format_of(type);
    for (int32_t r = from; r < to; r++) {
        const float *row = x + r * x_stride;
        if (of_bytes(f, precise)) {
            quantize_for_gemm(f, row, k, rows, (struct gemm_x *)out + r);
            continue;
        }
        float *at = (float *)out + (int64_t)r * DEPTH;
        int columns = type == M4J_F32 ? DEPTH : CHUNK;
        for (int64_t i = 0; i < k; i += columns, at += (int64_t)rows * DEPTH) {
            if (type != M4J_F32) {
                pairs_of_activations(row + i, k - i, (__m512i *)at);
                continue;
            }
            for (int c = 0; c < DEPTH; c += LANES) {
                _mm512_storeu_ps(at + c, _mm512_maskz_loadu_ps(first(k - i - c), row + i + c));
            }
        }
    }
}

int64_t mixtral4j_avx512_gemm_tmp(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    (void)type;
    (void)precise;
    (void)k;
    return rows * (int64_t)TILE * (int64_t)sizeof(float);
}

void mixtral4j_avx512_gemm(int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows,
    const void *x, int32_t rows, float *y, int64_t y_stride, void *tmp) {
    __m512 *acc = tmp;
    int quantized = of_bytes(format_of(type), precise);
    for (int32_t from = 0; from < w_rows; from += TILE) {
        const uint8_t *tile = (const uint8_t *)w + from * stride;
        int32_t n = w_rows - from < TILE ? w_rows - from : TILE;
        memset(tmp, 0, (size_t)rows * TILE * sizeof(float));
        switch (type) {
#define X(name, type, block, bytes, groups, excess)                                                                    \
    case type:                                                                                                         \
        if (quantized) {                                                                                               \
            gemm_bytes(                                                                                                \
                bytes_##name, product_##groups(excess), CHUNK / block * bytes, k, tile, stride, n, x, rows, acc);      \
        } else {                                                                                                       \
            gemm_pairs(tile_##name, CHUNK / block * bytes, k, tile, stride, n, x, rows, acc);                          \
        }                                                                                                              \
        break;
            FORMATS(X)
#undef X
        case M4J_F16: gemm_pairs(tile_f16, CHUNK * 2, k, tile, stride, n, x, rows, acc); break;
        case M4J_BF16: gemm_pairs(tile_bf16, CHUNK * 2, k, tile, stride, n, x, rows, acc); break;
        case M4J_F32: gemm_f32(k, tile, stride, n, x, rows, acc); break;
        }
        store(acc, n, rows, y + from, y_stride);
    }
}
