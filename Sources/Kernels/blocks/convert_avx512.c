/* Sixteen numbers a step, tails by masked loads and stores. BF16 stays in
 * integer arithmetic: the processor's own conversion flushes subnormals. */
#include "convert.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

/* One bit for each of the numbers left, at most 16. */
FK_TARGET_AVX512
static __mmask16 lanes(int64_t left) {
    return left >= 16 ? (__mmask16)0xffff : (__mmask16)_bzhi_u32(0xffff, (unsigned)left);
}

FK_TARGET_AVX512
void fk_f32_to_f16_avx512(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes(n - i);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
        _mm256_mask_storeu_epi16(to + 2 * i, mask,
                                 _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
}

FK_TARGET_AVX512
void fk_f16_to_f32_avx512(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes(n - i);
        __m256i half = _mm256_maskz_loadu_epi16(mask, from + 2 * i);
        _mm512_mask_storeu_ps(y + i, mask, _mm512_cvtph_ps(half));
    }
}

FK_TARGET_AVX512
void fk_f32_to_bf16_avx512(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes(n - i);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
        __m512i bits = _mm512_castps_si512(v), upper = _mm512_srli_epi32(bits, 16);
        __m512i odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
        __m512i bias = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
        __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, bias), 16);
        __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
        rounded = _mm512_mask_or_epi32(rounded, nan, upper, _mm512_set1_epi32(0x40));
        _mm512_mask_cvtepi32_storeu_epi16(to + 2 * i, mask, rounded);
    }
}

FK_TARGET_AVX512
void fk_bf16_to_f32_avx512(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes(n - i);
        __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from + 2 * i));
        _mm512_mask_storeu_epi32(y + i, mask, _mm512_slli_epi32(wide, 16));
    }
}

/* The same three cases as fk_f8e4m3_bits. */
FK_TARGET_AVX512
void fk_f32_to_f8e4m3_avx512(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes(n - i);
        __m512i bits = _mm512_maskz_loadu_epi32(mask, x + i);
        __m512i sign = _mm512_and_si512(_mm512_srli_epi32(bits, 24), _mm512_set1_epi32(0x80));
        __m512i a = _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff));
        __mmask16 nan = _mm512_cmpgt_epi32_mask(a, _mm512_set1_epi32(0x7f800000));
        a = _mm512_min_epi32(a, _mm512_set1_epi32(0x43e00000));
        __m512i odd = _mm512_and_si512(_mm512_srli_epi32(a, 20), _mm512_set1_epi32(1));
        __m512i rounded =
            _mm512_add_epi32(a, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7ffff)));
        __m512i code =
            _mm512_sub_epi32(_mm512_srli_epi32(rounded, 20), _mm512_set1_epi32(120 << 3));
        __m512 shifted = _mm512_add_ps(_mm512_castsi512_ps(a), _mm512_set1_ps(0x1p14f));
        __mmask16 small = _mm512_cmplt_epi32_mask(a, _mm512_set1_epi32(0x3c800000));
        code = _mm512_mask_sub_epi32(code, small, _mm512_castps_si512(shifted),
                                     _mm512_set1_epi32(0x46800000));
        code = _mm512_mask_mov_epi32(code, nan, _mm512_set1_epi32(0x7f));
        _mm512_mask_cvtepi32_storeu_epi8(to + i, mask, _mm512_or_si512(code, sign));
    }
}

/* As the avx2 variant: through the f16 of the value / 256. */
FK_TARGET_AVX512
void fk_f8e4m3_to_f32_avx512(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes(n - i);
        __m256i code = _mm256_cvtepu8_epi16(_mm_maskz_loadu_epi8(mask, from + i));
        __m256i rest = _mm256_and_si256(code, _mm256_set1_epi16(0x7f));
        __m256i sign = _mm256_slli_epi16(_mm256_and_si256(code, _mm256_set1_epi16(0x80)), 8);
        __mmask16 nan = _mm256_cmpeq_epi16_mask(rest, _mm256_set1_epi16(0x7f));
        __m256i half = _mm256_slli_epi16(rest, 7);
        half = _mm256_mask_mov_epi16(half, nan, _mm256_set1_epi16(0x7e00));
        __m512 value = _mm512_cvtph_ps(_mm256_or_si256(half, sign));
        _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(value, _mm512_set1_ps(256)));
    }
}

#endif
