/* How the avx2 decoders turn codes into floats.
 *
 * Eight elements a store: codes widen from bytes to integers to floats, then the
 * reference's multiplication and addition, unfused, so the bits agree. Stores
 * bound the speed; wider registers gain nothing. */
#ifndef FK_DEQUANTIZE_AVX2_H
#define FK_DEQUANTIZE_AVX2_H

#include <immintrin.h>

#include "dequantize.h"
#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

/* y[0..<8] = scale * codes, of the low eight signed bytes. */
FK_TARGET_AVX2
static inline void fk_store_scaled(float *y, __m256 scale, __m128i codes) {
    __m256 value = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes));
    _mm256_storeu_ps(y, _mm256_mul_ps(scale, value));
}

FK_TARGET_AVX2
static inline void fk_store_scaled_16(float *y, __m256 scale, __m128i codes) {
    fk_store_scaled(y, scale, codes);
    fk_store_scaled(y + 8, scale, _mm_srli_si128(codes, 8));
}

/* y[0..<16] = scale * codes + offset, of sixteen bytes. */
FK_TARGET_AVX2
static inline void fk_store_affine_16(float *y, __m256 scale, __m256 offset, __m128i codes) {
    __m256 low = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes));
    __m256 high = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(codes, 8)));
    _mm256_storeu_ps(y, _mm256_add_ps(_mm256_mul_ps(scale, low), offset));
    _mm256_storeu_ps(y + 8, _mm256_add_ps(_mm256_mul_ps(scale, high), offset));
}

FK_TARGET_AVX2
static inline __m128i fk_low_nibbles(__m128i bytes) {
    return _mm_and_si128(bytes, _mm_set1_epi8(15));
}

FK_TARGET_AVX2
static inline __m128i fk_high_nibbles(__m128i bytes) {
    return fk_low_nibbles(_mm_srli_epi16(bytes, 4));
}

FK_TARGET_AVX2
static inline __m128i fk_load_16(const void *from) { return _mm_loadu_si128(from); }

FK_TARGET_AVX2
static inline float fk_load_half(const uint8_t *from) { return _cvtsh_ss(fk_load_u16(from)); }

/* The table entries that sixteen codes below 16 name. */
FK_TARGET_AVX2
static inline __m128i fk_look_up(const int8_t *table, __m128i codes) {
    return _mm_shuffle_epi8(fk_load_16(table), codes);
}

/* `value` where `bit` of a byte of `high` is set, else 0. */
FK_TARGET_AVX2
static inline __m128i fk_value_of_bit(__m128i high, int bit, int value) {
    __m128i mask = _mm_set1_epi8((char)(1 << bit));
    __m128i set = _mm_cmpeq_epi8(_mm_and_si128(high, mask), mask);
    return _mm_and_si128(set, _mm_set1_epi8((char)value));
}

#endif
