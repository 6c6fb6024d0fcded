/* The level "avx512vnni": AVX-512 with VNNI, but without the permutes of VBMI or bfloat16 that the level "avx512" is made
 * of (Cascade Lake to Rocket Lake). Its registers are used as 32 of 256 bits. */
#define LEVEL(name) mixtral4j_avx512vnni_##name
#define VECTORS 4 /* 24 accumulators, 4 registers of weights and 1 of activations, of 32 registers */
#define DPBUSD _mm256_dpbusd_epi32

#include "vnni.h"
