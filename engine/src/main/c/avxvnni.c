/* The level "avxvnni": AVX2 with AVX-VNNI, as processors without AVX-512 have it (Alder Lake and later). */
#define LEVEL(name) mixtral4j_avxvnni_##name
#define VECTORS 2 /* 12 accumulators, 2 registers of weights and 1 of activations, of 16 registers */
#define DPBUSD _mm256_dpbusd_avx_epi32

#include "vnni.h"
