/* The self-check: a level against the level "scalar" on a few random blocks of every type. It finds what is grossly
 * wrong; whether the kernels are right is the business of the tests. */
#include "levels.h"
#include "random.h"

#include <stdlib.h>

/* Two blocks of the largest types; more than one group of rows, and a rest, for any kernel; few rows and many, between
 * which levels choose. */
enum { COLS = 512, WEIGHT_ROWS = 19, FEW_ROWS = 3, ROWS = 33 };

/* Greatest error as a part of the root mean square. Activations of 8 bits come to 0.6 % on average. */
static const double TOLERANCE = 0.05;
/* The same for a precise product: two factors of bfloat16 come to 0.25 %. */
static const double PRECISE_TOLERANCE = 0.02;
/* The same for F32 weights, which nothing may round. */
static const double EXACT_TOLERANCE = 1e-5;
/* The same for attention, which computes with floats. */
static const double ATTEND_TOLERANCE = 1e-4;

/* Attention: up to 3 rows, the first of which sees but one token of the second page; one group of heads, and more than
 * one with a rest. */
enum { DIM = 96, GROUP = 3, TOKENS = 3, POSITION = M4J_PAGE_TOKENS, QUERIES = GROUP * TOKENS };

/* Elements of the buffers: the greater of what products and attention need. */
#define GREATER(a, b) ((a) > (b) ? (a) : (b))
enum {
    WEIGHTS = GREATER(WEIGHT_ROWS * COLS, 4 * DIM * M4J_PAGE_TOKENS),
    RESULTS = GREATER(ROWS * WEIGHT_ROWS, QUERIES * DIM)
};
_Static_assert(QUERIES * DIM <= ROWS * COLS, "queries are activations");

/* Memory for `bytes` and one more, in whole cache lines. */
static void *lines(int64_t bytes) {
    return aligned_alloc(64, (size_t)m4j_lines(bytes + 1));
}

static int gemv(const struct m4j_level *level, int32_t type, const uint8_t *w, const float *x, float *y) {
    void *prepared = lines(level->gemv_bytes(type, COLS));
    if (prepared) {
        level->gemv_x(type, COLS, x, prepared);
        level->gemv(type, COLS, w, m4j_row_bytes(type, COLS), WEIGHT_ROWS, prepared, y);
    }
    free(prepared);
    return prepared != NULL;
}

static int gemm(
    const struct m4j_level *level, int32_t type, int32_t precise, const uint8_t *w, const float *x, int32_t rows,
    float *y) {
    void *prepared = lines(level->gemm_bytes(type, precise, COLS, rows));
    void *tmp = lines(level->gemm_tmp(type, precise, COLS, rows));
    if (prepared && tmp) {
        for (int32_t from = 0; from < rows; from += 16) {
            int32_t to = from + 16 < rows ? from + 16 : rows;
            level->gemm_x(type, precise, COLS, x, COLS, rows, from, to, prepared);
        }
        level->gemm(
            type, precise, COLS, w, m4j_row_bytes(type, COLS), WEIGHT_ROWS, prepared, rows, y, WEIGHT_ROWS, tmp);
    }
    free(prepared);
    free(tmp);
    return prepared && tmp;
}

/* The product of the backward pass, of a square of weights, with activations that stand [k, rows]. */
static int gemm_kn(const struct m4j_level *level, int32_t type, const uint8_t *w, const float *x, float *y) {
    void *prepared = lines(level->gemm_kn_bytes(ROWS, WEIGHT_ROWS));
    void *tmp = lines(level->gemm_kn_tmp(WEIGHT_ROWS));
    if (prepared && tmp) {
        level->gemm_kn_x(ROWS, x, 1, COLS, WEIGHT_ROWS, 0, WEIGHT_ROWS, prepared);
        level->gemm_kn(type, ROWS, w, m4j_row_bytes(type, ROWS), ROWS, prepared, WEIGHT_ROWS, 0, WEIGHT_ROWS, y, ROWS, 0,
            tmp);
    }
    free(prepared);
    free(tmp);
    return prepared && tmp;
}

/* Pages one by one, then merged. */
static int attend(
    const struct m4j_level *level, int32_t type, int32_t rows, const uint8_t *page, const float *q, float *y) {
    int64_t bytes = QUERIES * level->attend_state(DIM), values = m4j_plane_bytes(type, DIM);
    uint8_t *states = lines(2 * bytes);
    void *tmp = lines(level->attend_tmp(DIM, QUERIES));
    if (states && tmp) {
        for (int32_t i = 0; i < 2; i++) {
            const void *at = page + 2 * values * i;
            level->attend(
                type, DIM, GROUP, rows, q, GROUP * DIM, POSITION, &at, 0, values, i, 1, states + i * bytes, tmp);
        }
        level->attend_merge(DIM, GROUP, rows, states, 2, bytes, y, GROUP * DIM);
    }
    free(states);
    free(tmp);
    return states && tmp;
}

static int close_to(const float *expected, const float *actual, int count, double tolerance) {
    double squares = 0;
    for (int i = 0; i < count; i++) {
        squares += (double)expected[i] * (double)expected[i];
    }
    for (int i = 0; i < count; i++) {
        double difference = (double)expected[i] - (double)actual[i];
        /* Written so that a NaN fails. */
        if (!(difference * difference <= tolerance * tolerance * squares / count)) {
            return 0;
        }
    }
    return 1;
}

static int32_t check(
    const struct m4j_level *level, const struct m4j_level *oracle, uint8_t *w, float *x, float *expected, float *actual) {
    uint64_t state = 20231208;
    for (int i = 0; i < ROWS * COLS; i++) {
        x[i] = m4j_random_float(&state);
    }
    for (int i = 0; i < M4J_TYPE_COUNT; i++) {
        int32_t type = M4J_TYPES[i];
        int exact = type == M4J_F32;
        m4j_random_blocks(type, (int64_t)WEIGHT_ROWS * COLS, &state, w);
        if (!gemv(oracle, type, w, x, expected) || !gemv(level, type, w, x, actual)
            || !close_to(expected, actual, WEIGHT_ROWS, exact ? EXACT_TOLERANCE : TOLERANCE)) {
            return 1 + type;
        }
        if (!gemm(oracle, type, 1, w, x, ROWS, expected)) {
            return M4J_CHECK_GEMM + 1 + type;
        }
        for (int precise = 0; precise <= 1; precise++) {
            double tolerance = exact ? EXACT_TOLERANCE : precise ? PRECISE_TOLERANCE : TOLERANCE;
            for (int32_t rows = FEW_ROWS; rows <= ROWS; rows += ROWS - FEW_ROWS) {
                if (!gemm(level, type, precise, w, x, rows, actual)
                    || !close_to(expected, actual, rows * WEIGHT_ROWS, tolerance)) {
                    return M4J_CHECK_GEMM + 1 + type;
                }
            }
        }
    }
    m4j_random_blocks(M4J_BF16, (int64_t)ROWS * ROWS, &state, w);
    if (level->gemm_kn
        && (!gemm_kn(oracle, M4J_BF16, w, x, expected) || !gemm_kn(level, M4J_BF16, w, x, actual)
            || !close_to(expected, actual, ROWS * WEIGHT_ROWS, PRECISE_TOLERANCE))) {
        return M4J_CHECK_GEMM_KN;
    }
    for (int i = 0; i < M4J_CACHE_TYPE_COUNT; i++) {
        int32_t type = M4J_CACHE_TYPES[i];
        for (int plane = 0; plane < 4; plane++) {
            m4j_random_plane(type, DIM, &state, w + plane * m4j_plane_bytes(type, DIM));
        }
        for (int32_t rows = 1; rows <= TOKENS; rows += TOKENS - 1) {
            if (!attend(oracle, type, rows, w, x, expected) || !attend(level, type, rows, w, x, actual)
                || !close_to(expected, actual, rows * GROUP * DIM, ATTEND_TOLERANCE)) {
                return M4J_CHECK_ATTEND + 1 + type;
            }
        }
    }
    return 0;
}

int32_t mixtral4j_check(const char *name) {
    const struct m4j_level *level = m4j_find_level(name), *oracle = m4j_find_level("scalar");
    uint8_t *w = lines(WEIGHTS * sizeof(float));
    float *x = lines(ROWS * COLS * sizeof(float));
    float *expected = lines(RESULTS * sizeof(float)), *actual = lines(RESULTS * sizeof(float));
    int32_t wrong = level && w && x && expected && actual ? check(level, oracle, w, x, expected, actual) : -1;
    free(w);
    free(x);
    free(expected);
    free(actual);
    return wrong;
}
