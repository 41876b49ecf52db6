/* Eight numbers a step; the tail goes through the reference. Shifts, converts
 * and blends only, so memory bounds all of these beyond the caches. */
#include "convert.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

FK_TARGET_AVX2
void fk_f32_to_f16_avx2(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(to + 2 * i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    fk_f32_to_f16_reference(to + 2 * i, x + i, n - i);
}

FK_TARGET_AVX2
void fk_f16_to_f32_avx2(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(
            y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + 2 * i))));
    fk_f16_to_f32_reference(y + i, from + 2 * i, n - i);
}

/* The upper halves of eight floats after rounding, in the low halves of the lanes. */
FK_TARGET_AVX2
static __m256i bf16_lanes(__m256 x) {
    __m256i bits = _mm256_castps_si256(x), upper = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
    __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    __m256 unordered = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
    return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(unordered));
}

FK_TARGET_AVX2
void fk_f32_to_bf16_avx2(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i packed = _mm256_packus_epi32(bf16_lanes(_mm256_loadu_ps(x + i)),
                                             bf16_lanes(_mm256_loadu_ps(x + i + 8)));
        _mm256_storeu_si256((__m256i *)(to + 2 * i), _mm256_permute4x64_epi64(packed, 0xd8));
    }
    fk_f32_to_bf16_reference(to + 2 * i, x + i, n - i);
}

FK_TARGET_AVX2
void fk_bf16_to_f32_avx2(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m128i half = _mm_loadu_si128((const __m128i *)(from + 2 * i));
        _mm256_storeu_si256((__m256i *)(y + i),
                            _mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
    }
    fk_bf16_to_f32_reference(y + i, from + 2 * i, n - i);
}

/* Eight E4M3 codes, one a lane: the same three cases as fk_f8e4m3_bits. */
FK_TARGET_AVX2
static __m256i f8_lanes(__m256 x) {
    __m256i bits = _mm256_castps_si256(x);
    __m256i sign = _mm256_and_si256(_mm256_srli_epi32(bits, 24), _mm256_set1_epi32(0x80));
    __m256i a = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
    __m256i nan = _mm256_cmpgt_epi32(a, _mm256_set1_epi32(0x7f800000));
    a = _mm256_min_epi32(a, _mm256_set1_epi32(0x43e00000));
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(a, 20), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(a, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7ffff)));
    __m256i normal =
        _mm256_sub_epi32(_mm256_srli_epi32(rounded, 20), _mm256_set1_epi32(120 << 3));
    __m256 shifted = _mm256_add_ps(_mm256_castsi256_ps(a), _mm256_set1_ps(0x1p14f));
    __m256i tiny = _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(0x46800000));
    __m256i small = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x3c800000), a);
    __m256i code = _mm256_blendv_epi8(normal, tiny, small);
    code = _mm256_blendv_epi8(code, _mm256_set1_epi32(0x7f), nan);
    return _mm256_or_si256(code, sign);
}

FK_TARGET_AVX2
void fk_f32_to_f8e4m3_avx2(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i code = f8_lanes(_mm256_loadu_ps(x + i));
        __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(code),
                                         _mm256_extracti128_si256(code, 1));
        _mm_storel_epi64((__m128i *)(to + i), _mm_packus_epi16(words, words));
    }
    fk_f32_to_f8e4m3_reference(to + i, x + i, n - i);
}

/* E4M3 with its exponent and mantissa in place is the f16 of the value / 256:
 * the conversion to f32 then handles subnormals, and the product is exact. NaN
 * becomes the f16 NaN first. */
FK_TARGET_AVX2
void fk_f8e4m3_to_f32_avx2(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m128i code = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(from + i)));
        __m128i rest = _mm_and_si128(code, _mm_set1_epi16(0x7f));
        __m128i sign = _mm_slli_epi16(_mm_and_si128(code, _mm_set1_epi16(0x80)), 8);
        __m128i nan = _mm_cmpeq_epi16(rest, _mm_set1_epi16(0x7f));
        __m128i half = _mm_blendv_epi8(_mm_slli_epi16(rest, 7), _mm_set1_epi16(0x7e00), nan);
        __m256 value = _mm256_cvtph_ps(_mm_or_si128(half, sign));
        _mm256_storeu_ps(y + i, _mm256_mul_ps(value, _mm256_set1_ps(256)));
    }
    fk_f8e4m3_to_f32_reference(y + i, from + i, n - i);
}

#endif
