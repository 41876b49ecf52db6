/* Four sums of float_template.h in an SSE register. */
#ifndef FK_FOUR_SSE_H
#define FK_FOUR_SSE_H

#include <immintrin.h>

typedef __m128 four_f;

#define store_first(p, four) _mm_store_ss(p, four)
#define store_low_pair(p, four) _mm_storel_pi((__m64 *)(void *)(p), four)
#define store_high_pair(p, four) _mm_storeh_pi((__m64 *)(void *)(p), four)
#define store_four(p, four) _mm_storeu_ps(p, four)

#endif
