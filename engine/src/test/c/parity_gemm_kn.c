/* Products with weights [k, columns] at a level against the level "scalar": odd sizes, activations in rows and in
 * columns, blocks of rows in any order, written and added. */
#include "parity.h"

#include <math.h>

static const int64_t DEPTHS[] = {1, 2, 31, 32, 33, 255, 256, 257, 600};
static const int32_t COLUMNS[] = {1, 15, 16, 17, 63, 64, 65, 130};
static const int32_t ROWS[] = {1, 5, 6, 31, 32, 33, 110};
/* Rows of a call. */
static const int32_t BLOCKS[] = {32, 96};
enum { MOST_COLUMNS = 130, MOST_ROWS = 110 };
/* Greatest error as a part of the root mean square: two factors of bfloat16. */
static const double TOLERANCE = 0.025;

struct factors {
    int32_t type, columns, rows, add, block;
    int64_t k, stride, x_row, x_depth;
    const uint8_t *w;
    const float *x;
};

static void multiply(const struct m4j_level *level, const struct factors *f, float *y, int64_t y_stride) {
    struct fenced prepared = fence(level->gemm_kn_bytes(f->k, f->rows), 64);
    struct fenced tmp = fence(level->gemm_kn_tmp(f->block), 64);
    /* What is between the rows may be anything. */
    memset(prepared.data, 0xff, (size_t)level->gemm_kn_bytes(f->k, f->rows));
    for (int32_t from = (f->rows - 1) / 16 * 16; from >= 0; from -= 16) {
        int32_t to = from + 16 < f->rows ? from + 16 : f->rows;
        level->gemm_kn_x(f->k, f->x, f->x_row, f->x_depth, f->rows, from, to, prepared.data);
    }
    for (int32_t from = (f->rows - 1) / f->block * f->block; from >= 0; from -= f->block) {
        int32_t to = from + f->block < f->rows ? from + f->block : f->rows;
        level->gemm_kn(f->type, f->k, f->w, f->stride, f->columns, prepared.data, f->rows, from, to, y, y_stride, f->add,
            tmp.data);
    }
    release(prepared);
    release(tmp);
}

static int agrees(const struct m4j_level *level, const struct m4j_level *oracle, const struct factors *f) {
    static float expected[MOST_ROWS * (MOST_COLUMNS + GAP)], actual[MOST_ROWS * (MOST_COLUMNS + GAP)];
    int64_t y_stride = f->columns + GAP;
    for (int i = 0; i < COUNT(expected); i++) {
        expected[i] = actual[i] = f->add ? (float)(i % 7) : UNTOUCHED;
    }
    multiply(oracle, f, expected, y_stride);
    multiply(level, f, actual, y_stride);
    double error = TOLERANCE * sqrt((double)f->k);
    for (int64_t i = 0; i < COUNT(actual); i++) {
        int used = i / y_stride < f->rows && i % y_stride < f->columns;
        if (!(fabs((double)actual[i] - (double)expected[i]) <= (used ? error : 0))) {
            fprintf(stderr, "%s gemm_kn, type %d, k %lld, %d columns, %d rows, add %d, x_row %lld: %lld is %g, not %g\n",
                level->name, f->type, (long long)f->k, f->columns, f->rows, f->add, (long long)f->x_row, (long long)i,
                actual[i], expected[i]);
            return 0;
        }
    }
    return 1;
}

int multiplies_kn(const struct m4j_level *level, const struct m4j_level *oracle) {
    static const int32_t TYPES[] = {M4J_F32, M4J_BF16};
    int compared = 0;
    uint64_t state = 7;
    for (int t = 0; t < COUNT(TYPES) * COUNT(DEPTHS) * COUNT(COLUMNS) * COUNT(ROWS) * 4; t++) {
        struct factors f = {.type = TYPES[t / 4 % 2], .k = DEPTHS[t / 8 % COUNT(DEPTHS)],
            .columns = COLUMNS[t / 8 / COUNT(DEPTHS) % COUNT(COLUMNS)], .rows = ROWS[t / 8 / COUNT(DEPTHS) / COUNT(COLUMNS)],
            .add = t % 2, .block = BLOCKS[t / 8 % COUNT(BLOCKS)]};
        int in_columns = t / 2 % 2;
        f.stride = m4j_row_bytes(f.type, f.columns);
        f.x_row = in_columns ? 1 : f.k;
        f.x_depth = in_columns ? f.rows : 1;
        struct fenced w = fence(f.k * f.stride, 1), x = fence(f.rows * f.k * 4, 4);
        m4j_random_blocks(f.type, f.k * f.columns, &state, w.data);
        for (int64_t i = 0; i < f.rows * f.k; i++) {
            ((float *)x.data)[i] = m4j_random_float(&state);
        }
        f.w = w.data;
        f.x = (const float *)x.data;
        int same = agrees(level, oracle, &f);
        release(w);
        release(x);
        if (!same) {
            return 0;
        }
        compared++;
    }
    return compared;
}
