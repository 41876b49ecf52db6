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

/* Lanes 0 to 3 of each quarter of v hold candidates for one block's largest magnitude. */
static inline FK_TARGET_AVX512 __m512i largest_of_quarters(__m512i v) {
    v = _mm512_max_epu32(v, _mm512_shuffle_epi32(v, 0x4e));
    return _mm512_max_epu32(v, _mm512_shuffle_epi32(v, 0xb1));
}

/* Four blocks at once: their largest magnitudes, divisions and sums share vectors.
 * Returns 0, having written nothing, if one of them is not finite. */
static inline FK_TARGET_AVX512 int quantize_four(int8_t *codes, float *scales, int16_t *sums,
                                                 const float *x) {
    __m512i mask = _mm512_set1_epi32(0x7fffffff), m[4];
    for (int b = 0; b < 4; b++)
        m[b] = _mm512_max_epu32(_mm512_and_si512(_mm512_loadu_si512(x + 32 * b), mask),
                                _mm512_and_si512(_mm512_loadu_si512(x + 32 * b + 16), mask));
    __m512i m01 = _mm512_max_epu32(_mm512_shuffle_i32x4(m[0], m[1], 0x44),
                                   _mm512_shuffle_i32x4(m[0], m[1], 0xee));
    __m512i m23 = _mm512_max_epu32(_mm512_shuffle_i32x4(m[2], m[3], 0x44),
                                   _mm512_shuffle_i32x4(m[2], m[3], 0xee));
    __m512i largest = largest_of_quarters(_mm512_max_epu32(
        _mm512_shuffle_i32x4(m01, m23, 0x88), _mm512_shuffle_i32x4(m01, m23, 0xdd)));
    if (_mm512_cmpge_epu32_mask(largest, _mm512_set1_epi32(0x7f800000))) return 0;
    __m128 maximum = _mm_castsi128_ps(_mm512_castsi512_si128(_mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), largest)));
    __mmask8 counts = _mm_cmp_ps_mask(maximum, _mm_set1_ps(FK_ACTIVATION_FLOOR), _CMP_GE_OQ);
    _mm_storeu_ps(scales, _mm_maskz_div_ps(counts, maximum, _mm_set1_ps(127.0f)));
    __m512 inverse =
        _mm512_castps128_ps512(_mm_maskz_div_ps(counts, _mm_set1_ps(127.0f), maximum));
    __m512i sad[2];
    for (int pair = 0; pair < 2; pair++) {
        __m512i q[4];
        for (int i = 0; i < 4; i++) {
            __m512 by = _mm512_permutexvar_ps(_mm512_set1_epi32(2 * pair + i / 2), inverse);
            q[i] = _mm512_cvtps_epi32(
                _mm512_mul_ps(_mm512_loadu_ps(x + 64 * pair + 16 * i), by));
        }
        /* Packing works in 128-bit quarters and leaves the four dwords that belong
         * together in one lane of each. */
        __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(q[0], q[1]),
                                           _mm512_packs_epi32(q[2], q[3]));
        bytes = _mm512_permutexvar_epi32(
            _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), bytes);
        _mm512_storeu_si512(codes + 64 * pair, bytes);
        /* Sums of 8 codes, each moved up by 128. */
        sad[pair] = _mm512_sad_epu8(_mm512_xor_si512(bytes, _mm512_set1_epi8((char)0x80)),
                                    _mm512_setzero_si512());
    }
    __m512i both = _mm512_add_epi64(_mm512_unpacklo_epi64(sad[0], sad[1]),
                                    _mm512_unpackhi_epi64(sad[0], sad[1]));
    __m128i words = _mm512_cvtepi64_epi16(_mm512_sub_epi64(both, _mm512_set1_epi64(16 * 128)));
    words = _mm_shuffle_epi8(
        words, _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
    _mm_storeu_si128((__m128i *)(void *)sums, words);
    return 1;
}

FK_TARGET_AVX512 void fk_quantize_activations_avx512(const fk_activations *x,
                                                     const float *source, size_t ldx,
                                                     int64_t row_begin, int64_t row_end) {
    int64_t blocks = x->k / 32;
    for (int64_t t = row_begin; t < row_end; t++) {
        int8_t *codes = x->codes + t * x->stride;
        float *scales = x->scales + t * blocks;
        int16_t *sums = x->sums + t * 2 * blocks;
        const float *row = source + (size_t)t * ldx;
        int64_t b = 0;
        while (b < blocks) {
            if (b + 4 <= blocks && quantize_four(codes + 32 * b, scales + b, sums + 2 * b,
                                                 row + 32 * b)) {
                b += 4;
                continue;
            }
            quantize_block(codes + 32 * b, scales + b, sums + 2 * b, row + 32 * b);
            b++;
        }
    }
}

#endif
