/* The levels of this library. The build defines M4J_WITH_AVX2 and so on for those that the compiler could compile. */
#include "levels.h"

#include <stddef.h>
#include <string.h>

#define LEVEL(L, RUNS, ...)                                                                                            \
    {                                                                                                                  \
        #L, RUNS, mixtral4j_##L##_gemv_bytes, mixtral4j_##L##_gemv_x, mixtral4j_##L##_gemv, mixtral4j_##L##_gemm_bytes, \
            mixtral4j_##L##_gemm_x, mixtral4j_##L##_gemm_tmp, mixtral4j_##L##_gemm, mixtral4j_##L##_attend_state,      \
            mixtral4j_##L##_attend_tmp, mixtral4j_##L##_attend, mixtral4j_##L##_attend_merge, __VA_ARGS__              \
    }

#define GEMM_KN(L)                                                                                                     \
    mixtral4j_##L##_gemm_kn_bytes, mixtral4j_##L##_gemm_kn_x, mixtral4j_##L##_gemm_kn_tmp, mixtral4j_##L##_gemm_kn
#define NONE NULL, NULL, NULL, NULL

static int always(void) {
    return 1;
}

static const struct m4j_level LEVELS[] = {
    LEVEL(scalar, always, GEMM_KN(scalar)),
#ifdef M4J_WITH_AVX2
    LEVEL(avx2, m4j_runs_avx2, NONE),
#endif
#ifdef M4J_WITH_AVXVNNI
    LEVEL(avxvnni, m4j_runs_avxvnni, NONE),
#endif
#ifdef M4J_WITH_AVX512VNNI
    LEVEL(avx512vnni, m4j_runs_avx512vnni, NONE),
#endif
#ifdef M4J_WITH_AVX512
    LEVEL(avx512, m4j_runs_avx512, GEMM_KN(avx512)),
#endif
#ifdef M4J_WITH_AMX
    LEVEL(amx, m4j_runs_amx, GEMM_KN(amx)),
#endif
#ifdef M4J_WITH_NEON
    LEVEL(neon, m4j_runs_neon, NONE),
#endif
};

const struct m4j_level *m4j_find_level(const char *name) {
    for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++) {
        if (strcmp(LEVELS[i].name, name) == 0) {
            return LEVELS[i].runs() ? &LEVELS[i] : NULL;
        }
    }
    return NULL;
}

int32_t mixtral4j_abi(void) {
    return MIXTRAL4J_ABI;
}

int32_t mixtral4j_runs(const char *level) {
    return m4j_find_level(level) != NULL;
}
