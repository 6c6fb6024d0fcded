/* Every level of a library that runs here against its level "scalar", for every type, on odd sizes: `parity LIBRARY`
 * prints a line per level and fails at the first difference. What a kernel reads ends at a page that nobody may touch;
 * what it writes has a gap after every row that it may not fill. */
#include "parity.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t SIZES[] = {1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 255, 256, 257, 511, 768, 1023, 4098};
static const int32_t WEIGHT_ROWS[] = {1, 3, 4, 16, 37, 64};
static const int32_t ROWS[] = {1, 2, 3, 4, 5, 8, 9, 16, 17, 24, 25, 33, 50};
enum { MOST_WEIGHT_ROWS = 64, MOST_ROWS = 50 };

/* Greatest errors as parts of the root mean square of products: for activations of 8 bits, for factors of bfloat16, and
 * for F32. */
static const double TOLERANCE = 0.06, PRECISE_TOLERANCE = 0.025, EXACT_TOLERANCE = 1e-5;

static void *symbol(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "the library has no %s\n", name);
        exit(2);
    }
    return found;
}

static void *function(void *library, const char *level, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "mixtral4j_%s_%s", level, name);
    return symbol(library, full);
}

static struct m4j_level level_of(void *library, const char *name) {
    struct m4j_level level = {.name = name};
    *(void **)&level.gemv_bytes = function(library, name, "gemv_bytes");
    *(void **)&level.gemv_x = function(library, name, "gemv_x");
    *(void **)&level.gemv = function(library, name, "gemv");
    *(void **)&level.gemm_bytes = function(library, name, "gemm_bytes");
    *(void **)&level.gemm_x = function(library, name, "gemm_x");
    *(void **)&level.gemm_tmp = function(library, name, "gemm_tmp");
    *(void **)&level.gemm = function(library, name, "gemm");
    *(void **)&level.attend_state = function(library, name, "attend_state");
    *(void **)&level.attend_tmp = function(library, name, "attend_tmp");
    *(void **)&level.attend = function(library, name, "attend");
    *(void **)&level.attend_merge = function(library, name, "attend_merge");
    char full[64];
    snprintf(full, sizeof full, "mixtral4j_%s_gemm_kn", name);
    if (dlsym(library, full)) {
        *(void **)&level.gemm_kn = function(library, name, "gemm_kn");
        *(void **)&level.gemm_kn_bytes = function(library, name, "gemm_kn_bytes");
        *(void **)&level.gemm_kn_x = function(library, name, "gemm_kn_x");
        *(void **)&level.gemm_kn_tmp = function(library, name, "gemm_kn_tmp");
    }
    return level;
}

/* The factors, of which the last rows are used: they are the ones that end at the fence. */
struct factors {
    int32_t type;
    int64_t k, w_stride, x_stride;
    const uint8_t *w;
    const float *x;
};

static const uint8_t *last_weights(const struct factors *f, int32_t rows) {
    return f->w + (MOST_WEIGHT_ROWS - rows) * f->w_stride;
}

static const float *last_activations(const struct factors *f, int32_t rows) {
    return f->x + (MOST_ROWS - rows) * f->x_stride;
}

static void by_gemv(const struct m4j_level *level, const struct factors *f, int32_t w_rows, int32_t rows, float *y) {
    struct fenced prepared = fence(level->gemv_bytes(f->type, f->k), 64);
    const float *x = last_activations(f, rows);
    for (int32_t j = 0; j < rows; j++) {
        level->gemv_x(f->type, f->k, x + j * f->x_stride, prepared.data);
        level->gemv(
            f->type, f->k, last_weights(f, w_rows), f->w_stride, w_rows, prepared.data, y + j * (w_rows + GAP));
    }
    release(prepared);
}

static void gemm(
    const struct m4j_level *level, int32_t precise, const struct factors *f, int32_t w_rows, int32_t rows, float *y) {
    struct fenced prepared = fence(level->gemm_bytes(f->type, precise, f->k, rows), 64);
    struct fenced tmp = fence(level->gemm_tmp(f->type, precise, f->k, rows), 64);
    const float *x = last_activations(f, rows);
    /* Threads take the groups in any order. */
    for (int32_t from = (rows - 1) / 16 * 16; from >= 0; from -= 16) {
        int32_t to = from + 16 < rows ? from + 16 : rows;
        level->gemm_x(f->type, precise, f->k, x, f->x_stride, rows, from, to, prepared.data);
    }
    level->gemm(
        f->type, precise, f->k, last_weights(f, w_rows), f->w_stride, w_rows, prepared.data, rows, y, w_rows + GAP,
        tmp.data);
    release(prepared);
    release(tmp);
}

static void by_gemm(const struct m4j_level *level, const struct factors *f, int32_t w_rows, int32_t rows, float *y) {
    gemm(level, 0, f, w_rows, rows, y);
}

static void by_precise_gemm(
    const struct m4j_level *level, const struct factors *f, int32_t w_rows, int32_t rows, float *y) {
    gemm(level, 1, f, w_rows, rows, y);
}

typedef void product(const struct m4j_level *level, const struct factors *f, int32_t w_rows, int32_t rows, float *y);

/* Compares the products of the last rows with the last of all expected ones; 0 at a difference. */
static int agrees(
    product *multiply, const char *how, const struct m4j_level *level, const struct factors *f, int32_t w_rows,
    int32_t rows, const float *expected, double tolerance) {
    float y[MOST_ROWS * (MOST_WEIGHT_ROWS + GAP)];
    for (int i = 0; i < COUNT(y); i++) {
        y[i] = UNTOUCHED;
    }
    multiply(level, f, w_rows, rows, y);
    for (int32_t j = 0; j < MOST_ROWS; j++) {
        for (int32_t r = 0; r < w_rows + GAP; r++) {
            int used = j < rows && r < w_rows;
            int64_t row = MOST_ROWS - rows + j, column = MOST_WEIGHT_ROWS - w_rows + r;
            double want = used ? expected[row * (MOST_WEIGHT_ROWS + GAP) + column] : UNTOUCHED;
            double got = y[j * (w_rows + GAP) + r];
            if (!(fabs(got - want) <= (used ? tolerance : 0))) {
                fprintf(stderr, "%s %s, type %d, k %lld, %d weight rows, %d rows: [%d, %d] is %g, not %g\n",
                    level->name, how, f->type, (long long)f->k, w_rows, rows, j, r, got, want);
                return 0;
            }
        }
    }
    return 1;
}

/* One type and size; returns the number of products compared, 0 at a difference. */
static int agrees_on(const struct m4j_level *level, const struct m4j_level *oracle, int32_t type, int64_t size) {
    int64_t block = m4j_block_elements(type);
    struct factors f = {.type = type, .k = (size + block - 1) / block * block};
    uint64_t state = (uint64_t)(type * 10000 + size);
    f.w_stride = m4j_row_bytes(type, f.k);
    f.x_stride = f.k;
    struct fenced w = fence(MOST_WEIGHT_ROWS * f.w_stride, 1), x = fence(MOST_ROWS * f.x_stride * 4, 4);
    m4j_random_blocks(type, MOST_WEIGHT_ROWS * f.k, &state, w.data);
    for (int64_t i = 0; i < MOST_ROWS * f.k; i++) {
        ((float *)x.data)[i] = m4j_random_float(&state);
    }
    f.w = w.data;
    f.x = (const float *)x.data;

    float expected[MOST_ROWS * (MOST_WEIGHT_ROWS + GAP)];
    by_gemv(oracle, &f, MOST_WEIGHT_ROWS, MOST_ROWS, expected);
    double squares = 0;
    for (int32_t j = 0; j < MOST_ROWS; j++) {
        for (int32_t r = 0; r < MOST_WEIGHT_ROWS; r++) {
            squares += pow(expected[j * (MOST_WEIGHT_ROWS + GAP) + r], 2);
        }
    }
    double scale = sqrt(squares / (MOST_ROWS * MOST_WEIGHT_ROWS));
    double tolerance = scale * (type == M4J_F32 ? EXACT_TOLERANCE : TOLERANCE);
    double precise = scale * (type == M4J_F32 ? EXACT_TOLERANCE : PRECISE_TOLERANCE);
    int compared = 0, same = 1;
    /* Long rows take long, and find nothing in the number of rows that short ones do not. */
    int step = f.k > 600 ? 4 : 1;
    for (int i = 0; i < COUNT(WEIGHT_ROWS) && same; i += step) {
        for (int j = 0; j < COUNT(ROWS) && same; j += step) {
            same = agrees(by_gemv, "gemv", level, &f, WEIGHT_ROWS[i], ROWS[j], expected, tolerance)
                && agrees(by_gemm, "gemm", level, &f, WEIGHT_ROWS[i], ROWS[j], expected, tolerance)
                && agrees(by_precise_gemm, "precise gemm", level, &f, WEIGHT_ROWS[i], ROWS[j], expected, precise);
            compared += 3;
        }
    }
    release(w);
    release(x);
    return same ? compared : 0;
}

int main(int argc, char **argv) {
    static const char *const LEVELS[] = {"scalar", "avx2", "avxvnni", "avx512vnni", "avx512", "amx", "neon"};
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library) {
        fprintf(stderr, "usage: parity LIBRARY (%s)\n", argc == 2 ? dlerror() : "none given");
        return 2;
    }
    int32_t (*runs)(const char *), (*check)(const char *);
    *(void **)&runs = symbol(library, "mixtral4j_runs");
    *(void **)&check = symbol(library, "mixtral4j_check");
    struct m4j_level oracle = level_of(library, "scalar");
    for (int i = 0; i < COUNT(LEVELS); i++) {
        if (!runs(LEVELS[i])) {
            printf("parity: %s: not here\n", LEVELS[i]);
            continue;
        }
        struct m4j_level level = level_of(library, LEVELS[i]);
        int products = 0;
        for (int t = 0; t < M4J_TYPE_COUNT; t++) {
            for (int s = 0; s < COUNT(SIZES); s++) {
                int compared = agrees_on(&level, &oracle, M4J_TYPES[t], SIZES[s]);
                if (!compared) {
                    return 1;
                }
                products += compared;
            }
        }
        int backward = level.gemm_kn ? multiplies_kn(&level, &oracle) : 0;
        if (level.gemm_kn && !backward) {
            return 1;
        }
        int attentions = attends(&level, &oracle);
        if (!attentions) {
            return 1;
        }
        if (check(LEVELS[i]) != 0) {
            fprintf(stderr, "%s: the self-check says %d\n", LEVELS[i], check(LEVELS[i]));
            return 1;
        }
        printf("parity: %s: %d products, %d of the backward pass and %d attentions agree\n", LEVELS[i], products,
            backward, attentions);
    }
    return 0;
}
