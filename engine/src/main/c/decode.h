/* Weights to floats, for the level "scalar". */
#ifndef MIXTRAL4J_DECODE_H
#define MIXTRAL4J_DECODE_H

#include <stdint.h>

/* Decodes `elements` weights, whole blocks, that start at `blocks`; the same floats as the codecs in Java give. */
void m4j_decode(int32_t type, const void *blocks, int64_t elements, float *out);

/* float16 to float32; exact, with subnormals, infinities and NaN. */
float m4j_half(uint16_t half);

#endif
