/* The level "scalar": what every function means, in plain C. Weights become floats, sums are doubles, and prepared
 * activations are the activations. Its products have the same bits as those of ScalarKernels, on every machine. */
#include "blocks.h"
#include "decode.h"
#include "mixtral4j.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Elements that are decoded at a time: a whole number of blocks of every format. */
enum { PIECE = 256 };

static double dot(const float *w, const float *x, int64_t n, double sum) {
    for (int64_t i = 0; i < n; i++) {
        sum += (double)w[i] * (double)x[i];
    }
    return sum;
}

int64_t mixtral4j_scalar_gemv_bytes(int32_t type, int64_t k) {
    (void)type;
    return m4j_lines(k * (int64_t)sizeof(float));
}

void mixtral4j_scalar_gemv_x(int32_t type, int64_t k, const float *x, void *out) {
    (void)type;
    memcpy(out, x, (size_t)k * sizeof(float));
}

void mixtral4j_scalar_gemv(
    int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y) {
    float piece[PIECE];
    for (int32_t r = 0; r < rows; r++) {
        const uint8_t *row = (const uint8_t *)w + r * stride;
        double sum = 0;
        for (int64_t from = 0; from < k; from += PIECE) {
            int64_t n = k - from < PIECE ? k - from : PIECE;
            m4j_decode(type, row + m4j_row_bytes(type, from), n, piece);
            sum = dot(piece, (const float *)x + from, n, sum);
        }
        y[r] = (float)sum;
    }
}

int64_t mixtral4j_scalar_gemm_bytes(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    (void)precise;
    return rows * mixtral4j_scalar_gemv_bytes(type, k);
}

void mixtral4j_scalar_gemm_x(
    int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride, int32_t rows, int32_t from, int32_t to,
    void *out) {
    (void)precise;
    (void)rows;
    int64_t bytes = mixtral4j_scalar_gemv_bytes(type, k);
    for (int32_t j = from; j < to; j++) {
        mixtral4j_scalar_gemv_x(type, k, x + j * x_stride, (uint8_t *)out + j * bytes);
    }
}

int64_t mixtral4j_scalar_gemm_tmp(int32_t type, int32_t precise, int64_t k, int32_t rows) {
    (void)precise;
    (void)type;
    (void)rows;
    return m4j_lines(k * (int64_t)sizeof(float));
}

void mixtral4j_scalar_gemm(
    int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
    int32_t rows, float *y, int64_t y_stride, void *tmp) {
    (void)precise;
    int64_t bytes = mixtral4j_scalar_gemv_bytes(type, k);
    for (int32_t r = 0; r < w_rows; r++) {
        m4j_decode(type, (const uint8_t *)w + r * stride, k, tmp);
        for (int32_t j = 0; j < rows; j++) {
            y[j * y_stride + r] = (float)dot(tmp, (const float *)((const uint8_t *)x + j * bytes), k, 0);
        }
    }
}

int64_t mixtral4j_scalar_gemm_kn_bytes(int64_t k, int32_t rows) { return m4j_lines(rows * k * (int64_t)sizeof(float)); }

void mixtral4j_scalar_gemm_kn_x(
    int64_t k, const float *x, int64_t x_row, int64_t x_depth, int32_t rows, int32_t from, int32_t to, void *out) {
    (void)rows;
    for (int32_t j = from; j < to; j++) {
        for (int64_t i = 0; i < k; i++) {
            ((float *)out)[j * k + i] = x[j * x_row + i * x_depth];
        }
    }
}

int64_t mixtral4j_scalar_gemm_kn_tmp(int32_t rows) {
    (void)rows;
    return 0;
}

void mixtral4j_scalar_gemm_kn(int32_t type, int64_t k, const void *w, int64_t stride, int32_t columns, const void *x,
    int32_t rows, int32_t from, int32_t to, float *y, int64_t y_stride, int32_t add, void *tmp) {
    (void)rows;
    (void)tmp;
    for (int32_t j = from; j < to; j++) {
        for (int32_t c = 0; c < columns; c++) {
            double sum = 0;
            for (int64_t i = 0; i < k; i++) {
                float one;
                m4j_decode(type, (const uint8_t *)w + i * stride + m4j_row_bytes(type, c), 1, &one);
                sum += (double)one * (double)((const float *)x)[j * k + i];
            }
            float *to_y = y + j * y_stride + c;
            *to_y = add ? *to_y + (float)sum : (float)sum;
        }
    }
}

int64_t mixtral4j_scalar_attend_state(int64_t dim) {
    return m4j_lines((2 + dim) * (int64_t)sizeof(double));
}

int64_t mixtral4j_scalar_attend_tmp(int64_t dim, int32_t queries) {
    (void)dim;
    (void)queries;
    return 0;
}

static float half_at(const uint8_t *p) {
    return m4j_half((uint16_t)(p[0] | p[1] << 8));
}

/* Element `i` of a plane of cached keys or values that has `n` elements; `scale` is the number of its scale. */
static double cached(int32_t type, const uint8_t *plane, int64_t n, int64_t i, int64_t scale) {
    float element;
    switch (type) {
        case M4J_F16:
            return (double)half_at(plane + 2 * i);
        case M4J_Q8_0:
            return (double)((float)(int8_t)plane[i] * half_at(plane + n + 2 * scale));
        default:
            memcpy(&element, plane + 4 * i, sizeof element);
            return (double)element;
    }
}

/* What is known of a query: sums of e^(score - maximum) · value and of e^(score - maximum). */
struct state {
    double maximum, total, sums[];
};

/* Takes token `t` of a page into the state of a query. */
static void take(int32_t type, int64_t dim, const float *q, const uint8_t *keys, const uint8_t *values, int64_t t,
    struct state *state) {
    int64_t n = dim * M4J_PAGE_TOKENS;
    double score = 0;
    for (int64_t i = 0; i < dim; i++) {
        int64_t scale = i / 32 * M4J_PAGE_TOKENS + t;
        score += (double)q[i] * cached(type, keys, n, i * M4J_PAGE_TOKENS + t, scale);
    }
    score /= sqrt((double)dim);
    double maximum = score > state->maximum ? score : state->maximum;
    double keep = exp(state->maximum - maximum), p = exp(score - maximum);
    state->maximum = maximum;
    state->total = state->total * keep + p;
    for (int64_t i = 0; i < dim; i++) {
        int64_t element = t * dim + i;
        state->sums[i] = state->sums[i] * keep + p * cached(type, values, n, element, element / 32);
    }
}

void mixtral4j_scalar_attend(int32_t type, int64_t dim, int32_t group, int32_t rows, const float *q, int64_t q_stride,
    int32_t position, const void *const *pages, int64_t keys, int64_t values, int32_t first, int32_t count,
    void *states, void *tmp) {
    (void)tmp;
    for (int32_t i = 0; i < rows * group; i++) {
        struct state *state = (struct state *)((uint8_t *)states + i * mixtral4j_scalar_attend_state(dim));
        memset(state, 0, (size_t)mixtral4j_scalar_attend_state(dim));
        state->maximum = -DBL_MAX;
        int64_t from = (int64_t)first * M4J_PAGE_TOKENS, seen = (int64_t)position + i / group + 1 - from;
        for (int64_t t = 0; t < seen && t < (int64_t)count * M4J_PAGE_TOKENS; t++) {
            const uint8_t *page = pages[t / M4J_PAGE_TOKENS];
            take(type, dim, q + i / group * q_stride + i % group * dim, page + keys, page + values,
                t % M4J_PAGE_TOKENS, state);
        }
    }
}

void mixtral4j_scalar_attend_merge(int64_t dim, int32_t group, int32_t rows, const void *states, int32_t pieces,
    int64_t piece_bytes, float *out, int64_t out_stride) {
    for (int32_t i = 0; i < rows * group; i++) {
        const uint8_t *query = (const uint8_t *)states + i * mixtral4j_scalar_attend_state(dim);
        double maximum = -DBL_MAX, total = 0;
        for (int32_t p = 0; p < pieces; p++) {
            maximum = fmax(maximum, ((const struct state *)(query + p * piece_bytes))->maximum);
        }
        for (int32_t p = 0; p < pieces; p++) {
            const struct state *state = (const struct state *)(query + p * piece_bytes);
            total += exp(state->maximum - maximum) * state->total;
        }
        for (int64_t d = 0; d < dim; d++) {
            double sum = 0;
            for (int32_t p = 0; p < pieces; p++) {
                const struct state *state = (const struct state *)(query + p * piece_bytes);
                sum += exp(state->maximum - maximum) * state->sums[d];
            }
            out[i / group * out_stride + i % group * dim + d] = (float)(sum / total);
        }
    }
}
