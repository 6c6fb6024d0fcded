/* The levels as tables of functions, for code that works on any of them. */
#ifndef MIXTRAL4J_LEVELS_H
#define MIXTRAL4J_LEVELS_H

#include "mixtral4j.h"

/* The functions of one level; see M4J_LEVEL. */
struct m4j_level {
    const char *name;
    int (*runs)(void);
    int64_t (*gemv_bytes)(int32_t type, int64_t k);
    void (*gemv_x)(int32_t type, int64_t k, const float *x, void *out);
    void (*gemv)(int32_t type, int64_t k, const void *w, int64_t stride, int32_t rows, const void *x, float *y);
    int64_t (*gemm_bytes)(int32_t type, int32_t precise, int64_t k, int32_t rows);
    void (*gemm_x)(
        int32_t type, int32_t precise, int64_t k, const float *x, int64_t x_stride, int32_t rows, int32_t from,
        int32_t to, void *out);
    int64_t (*gemm_tmp)(int32_t type, int32_t precise, int64_t k, int32_t rows);
    void (*gemm)(
        int32_t type, int32_t precise, int64_t k, const void *w, int64_t stride, int32_t w_rows, const void *x,
        int32_t rows, float *y, int64_t y_stride, void *tmp);
    int64_t (*attend_state)(int64_t dim);
    int64_t (*attend_tmp)(int64_t dim, int32_t queries);
    void (*attend)(
        int32_t type, int64_t dim, int32_t group, int32_t rows, const float *q, int64_t q_stride, int32_t position,
        const void *const *pages, int64_t keys, int64_t values, int32_t first, int32_t count, void *states, void *tmp);
    void (*attend_merge)(
        int64_t dim, int32_t group, int32_t rows, const void *states, int32_t pieces, int64_t piece_bytes, float *out,
        int64_t out_stride);
    /* NULL if the level does not multiply bfloat16. */
    int64_t (*gemm_kn_bytes)(int64_t k, int32_t rows);
    void (*gemm_kn_x)(
        int64_t k, const float *x, int64_t x_row, int64_t x_depth, int32_t rows, int32_t from, int32_t to, void *out);
    int64_t (*gemm_kn_tmp)(int32_t rows);
    void (*gemm_kn)(
        int32_t type, int64_t k, const void *w, int64_t stride, int32_t columns, const void *x, int32_t rows,
        int32_t from, int32_t to, float *y, int64_t y_stride, int32_t add, void *tmp);
};

/* The level of this name, or NULL if the library does not have it or the machine does not run it. */
const struct m4j_level *m4j_find_level(const char *name);

/* Whether the machine has the instructions of a level. */
int m4j_runs_avx2(void);
int m4j_runs_avxvnni(void);
int m4j_runs_avx512vnni(void);
int m4j_runs_avx512(void);
int m4j_runs_amx(void);
int m4j_runs_neon(void);

#endif
