#include "activations.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

/* One block: two vectors of 16. The largest magnitude is taken as an integer,
 * which orders NaN above infinity above every number. */
static inline FK_TARGET_AVX512 void quantize_block(int8_t *codes, float *scale, int16_t *sums,
                                                   const float *x) {
    __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
    __m512i mask = _mm512_set1_epi32(0x7fffffff);
    uint32_t largest = _mm512_reduce_max_epu32(
        _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(a), mask),
                         _mm512_and_si512(_mm512_castps_si512(b), mask)));
    float maximum = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)largest)));
    if (largest >= 0x7f800000 || maximum < FK_ACTIVATION_FLOOR) {
        *scale = largest >= 0x7f800000 ? NAN : 0;
        _mm256_storeu_si256((__m256i *)(void *)codes, _mm256_setzero_si256());
        sums[0] = sums[1] = 0;
        return;
    }
    *scale = maximum / 127.0f;
    __m512 inverse = _mm512_set1_ps(127.0f / maximum);
    __m512i p = _mm512_cvtps_epi32(_mm512_mul_ps(a, inverse));
    __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(b, inverse));
    _mm_storeu_si128((__m128i *)(void *)codes, _mm512_cvtepi32_epi8(p));
    _mm_storeu_si128((__m128i *)(void *)(codes + 16), _mm512_cvtepi32_epi8(q));
    sums[0] = (int16_t)_mm512_reduce_add_epi32(p);
    sums[1] = (int16_t)_mm512_reduce_add_epi32(q);
}

FK_TARGET_AVX512 void fk_quantize_activations_avx512(const fk_activations *x,
                                                     const float *source, size_t ldx,
                                                     int64_t row_begin, int64_t row_end) {
    for (int64_t t = row_begin; t < row_end; t++)
        for (int64_t b = 0; b < x->k / 32; b++)
            quantize_block(x->codes + t * x->stride + 32 * b, x->scales + t * (x->k / 32) + b,
                           x->sums + t * (x->k / 16) + 2 * b,
                           source + (size_t)t * ldx + 32 * b);
}

#endif
