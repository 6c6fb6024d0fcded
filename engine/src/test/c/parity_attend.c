/* Attention at a level against the level "scalar": odd heads, rows across the border of a page, pages together and one
 * by one, and scores so large that their exponential overflows. Tokens that nobody has cached are NaN. */
#include "parity.h"

#include <math.h>

static const int64_t DIMS[] = {2, 8, 20, 32, 64, 80, 96, 128, 160};
static const int32_t GROUPS[] = {1, 2, 4, 6, 7};
static const int32_t ROWS[] = {1, 2, 5, 16};
static const int32_t POSITIONS[] = {0, 62, 63, 64, 130};
/* Factors of the queries, and the error allowed as a part of the root mean square: a large score is rounded by more. */
static const float FACTORS[] = {1, 1e4f};
static const double TOLERANCES[] = {1e-4, 1e-2};
enum { MOST_PAGES = 3, MOST_QUERIES = 7 * 16 };

struct setting {
    int32_t type, group, rows, position;
    int64_t dim, q_stride, keys, values;
    const float *q;
    const void *pages[MOST_PAGES];
    int32_t count;
};

/* Attention in pieces of `piece` pages. */
static void attend(const struct m4j_level *level, const struct setting *s, int32_t piece, float *out, int64_t stride) {
    int32_t pieces = (s->count + piece - 1) / piece, queries = s->group * s->rows;
    int64_t bytes = queries * level->attend_state(s->dim);
    struct fenced states = fence(pieces * bytes, 64), tmp = fence(level->attend_tmp(s->dim, queries), 64);
    for (int32_t p = pieces - 1; p >= 0; p--) {
        int32_t first = p * piece, count = s->count - first < piece ? s->count - first : piece;
        level->attend(
            s->type, s->dim, s->group, s->rows, s->q, s->q_stride, s->position, s->pages + first, s->keys, s->values,
            first, count, states.data + p * bytes, tmp.data);
    }
    level->attend_merge(s->dim, s->group, s->rows, states.data, pieces, bytes, out, stride);
    release(states);
    release(tmp);
}

/* Makes tokens from `from` on of a plane NaN: in Q8_0 by their scales. */
static void forget(const struct setting *s, uint8_t *plane, int transposed, int32_t from) {
    int64_t elements = s->type == M4J_Q8_0 ? s->dim / 32 : s->dim, bytes = s->type == M4J_F32 ? 4 : 2;
    uint8_t *start = plane + (s->type == M4J_Q8_0 ? s->dim * M4J_PAGE_TOKENS : 0);
    for (int32_t t = from; t < M4J_PAGE_TOKENS; t++) {
        for (int64_t i = 0; i < elements; i++) {
            memset(start + (transposed ? i * M4J_PAGE_TOKENS + t : t * elements + i) * bytes, 0xff, (size_t)bytes);
        }
    }
}

static int agrees(
    const struct m4j_level *level, const struct m4j_level *oracle, const struct setting *s, double tolerance) {
    static float expected[MOST_QUERIES * 160], actual[16 * (7 * 160 + GAP)];
    int64_t width = s->group * s->dim, stride = width + GAP;
    attend(oracle, s, s->count, expected, width);
    double squares = 0;
    for (int64_t i = 0; i < s->rows * width; i++) {
        squares += pow(expected[i], 2);
    }
    double error = tolerance * sqrt(squares / (double)(s->rows * width));
    for (int32_t piece = 1; piece <= s->count; piece++) {
        for (int64_t i = 0; i < s->rows * stride; i++) {
            actual[i] = UNTOUCHED;
        }
        attend(level, s, piece, actual, stride);
        for (int64_t i = 0; i < s->rows * stride; i++) {
            int used = i % stride < width;
            double want = used ? expected[i / stride * width + i % stride] : UNTOUCHED, got = actual[i];
            if (!(fabs(got - want) <= (used ? error : 0))) {
                fprintf(stderr, "%s attend, type %d, heads of %lld, group %d, %d rows from %d, pieces of %d: "
                    "[%lld, %lld] is %g, not %g\n", level->name, s->type, (long long)s->dim, s->group, s->rows,
                    s->position, piece, (long long)(i / stride), (long long)(i % stride), got, want);
                return 0;
            }
        }
    }
    return s->count;
}

static int agrees_on(const struct m4j_level *level, const struct m4j_level *oracle, struct setting *s, int number) {
    int64_t plane = m4j_plane_bytes(s->type, s->dim);
    uint64_t state = (uint64_t)number;
    float factor = FACTORS[number % 2] / (s->type == M4J_Q8_0 ? 100 : 1); /* its keys are larger */
    struct fenced pages[MOST_PAGES], q = fence(((s->rows - 1) * s->q_stride + s->group * s->dim) * 4, 4);
    for (int64_t i = 0; i < (s->rows - 1) * s->q_stride + s->group * s->dim; i++) {
        ((float *)q.data)[i] = m4j_random_float(&state) * factor;
    }
    /* What lies last in a page ends at the fence. */
    s->keys = number / 2 % 2 ? plane : 0;
    s->values = plane - s->keys;
    s->q = (const float *)q.data;
    s->count = (s->position + s->rows - 1) / M4J_PAGE_TOKENS + 1;
    for (int32_t p = 0; p < s->count; p++) {
        pages[p] = fence(2 * plane, 2);
        s->pages[p] = pages[p].data;
        m4j_random_plane(s->type, s->dim, &state, pages[p].data + s->keys);
        m4j_random_plane(s->type, s->dim, &state, pages[p].data + s->values);
        int32_t cached = s->position + s->rows - p * M4J_PAGE_TOKENS;
        forget(s, pages[p].data + s->keys, 1, cached);
        forget(s, pages[p].data + s->values, 0, cached);
    }
    int compared = agrees(level, oracle, s, TOLERANCES[number % 2]);
    for (int32_t p = 0; p < s->count; p++) {
        release(pages[p]);
    }
    release(q);
    return compared;
}

int attends(const struct m4j_level *level, const struct m4j_level *oracle) {
    int number = 0, all = 0;
    for (int type = 0; type < M4J_CACHE_TYPE_COUNT; type++) {
        for (int d = 0; d < COUNT(DIMS); d++) {
            if (DIMS[d] % m4j_block_elements(M4J_CACHE_TYPES[type])) {
                continue;
            }
            for (int g = 0; g < COUNT(GROUPS); g++) {
                for (int r = 0; r < COUNT(ROWS); r++) {
                    /* One position each: the oracle is slow. */
                    struct setting s = {
                        .type = M4J_CACHE_TYPES[type], .group = GROUPS[g], .rows = ROWS[r],
                        .position = POSITIONS[(d + g + r) % COUNT(POSITIONS)], .dim = DIMS[d],
                        .q_stride = GROUPS[g] * DIMS[d] + 5};
                    int compared = agrees_on(level, oracle, &s, ++number);
                    if (!compared) {
                        return 0;
                    }
                    all += compared;
                }
            }
        }
    }
    return all;
}
