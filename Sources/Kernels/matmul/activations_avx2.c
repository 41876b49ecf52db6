#include "activations.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

static inline FK_TARGET_AVX2 uint32_t largest_of(__m256i v) {
    __m128i m = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

static inline FK_TARGET_AVX2 int16_t sum_of(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return (int16_t)_mm_cvtsi128_si32(s);
}

/* One block: four vectors of 8. The largest magnitude is taken as an integer,
 * which orders NaN above infinity above every number. */
static inline FK_TARGET_AVX2 void quantize_block(int8_t *codes, float *scale, int16_t *sums,
                                                 const float *x) {
    __m256 v[4];
    __m256i mask = _mm256_set1_epi32(0x7fffffff), magnitudes = _mm256_setzero_si256(), q[4];
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_loadu_ps(x + 8 * i);
        magnitudes = _mm256_max_epu32(magnitudes,
                                      _mm256_and_si256(_mm256_castps_si256(v[i]), mask));
    }
    uint32_t largest = largest_of(magnitudes);
    float maximum = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128((int)largest)));
    if (largest >= 0x7f800000 || maximum < FK_ACTIVATION_FLOOR) {
        *scale = largest >= 0x7f800000 ? NAN : 0;
        _mm256_storeu_si256((__m256i *)(void *)codes, _mm256_setzero_si256());
        sums[0] = sums[1] = 0;
        return;
    }
    *scale = maximum / 127.0f;
    __m256 inverse = _mm256_set1_ps(127.0f / maximum);
    for (int i = 0; i < 4; i++) q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));
    sums[0] = sum_of(_mm256_add_epi32(q[0], q[1]));
    sums[1] = sum_of(_mm256_add_epi32(q[2], q[3]));
    /* Packing works in 128-bit halves: the dwords come out as 0 2 4 6 1 3 5 7. */
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]),
                                       _mm256_packs_epi32(q[2], q[3]));
    bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)(void *)codes, bytes);
}

FK_TARGET_AVX2 void fk_quantize_activations_avx2(const fk_activations *x, const float *source,
                                                 size_t ldx, int64_t row_begin,
                                                 int64_t row_end) {
    for (int64_t t = row_begin; t < row_end; t++)
        for (int64_t b = 0; b < x->k / 32; b++)
            quantize_block(x->codes + t * x->stride + 32 * b, x->scales + t * (x->k / 32) + b,
                           x->sums + t * (x->k / 16) + 2 * b,
                           source + (size_t)t * ldx + 32 * b);
}

#endif
