/* The vector operations packed_template.h asks for, in AVX-512 F, BW, VL, DQ. */
#ifndef FK_AVX512_VECTORS_H
#define FK_AVX512_VECTORS_H

#include <immintrin.h>

#include "packed_layout.h"
#include "../levels/dispatch.h"

typedef __m512i vec_i;
typedef __m512 vec_f;

#define FK_VECTOR static inline FK_TARGET_AVX512 __attribute__((always_inline, unused))

FK_VECTOR vec_i load_i(const void *p) { return _mm512_loadu_si512(p); }
FK_VECTOR void store_i(void *p, vec_i v) { _mm512_storeu_si512(p, v); }
FK_VECTOR vec_f load_f(const float *p) { return _mm512_loadu_ps(p); }
FK_VECTOR void store_f(float *p, vec_f v) { _mm512_storeu_ps(p, v); }

FK_VECTOR vec_f load_part_f(const float *p, int count) {
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p); /* 0 <= count <= 16 */
}

FK_VECTOR void store_part_f(float *p, vec_f v, int count) {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), v);
}

FK_VECTOR vec_f zero_f(void) { return _mm512_setzero_ps(); }
FK_VECTOR vec_i splat_i(int32_t x) { return _mm512_set1_epi32(x); }
FK_VECTOR vec_f splat_f(float x) { return _mm512_set1_ps(x); }
FK_VECTOR vec_f add_f(vec_f a, vec_f b) { return _mm512_add_ps(a, b); }
FK_VECTOR vec_f mul_f(vec_f a, vec_f b) { return _mm512_mul_ps(a, b); }
FK_VECTOR vec_f fma_f(vec_f a, vec_f b, vec_f c) { return _mm512_fmadd_ps(a, b, c); }
FK_VECTOR vec_i add_i(vec_i a, vec_i b) { return _mm512_add_epi32(a, b); }
FK_VECTOR vec_f as_f(vec_i v) { return _mm512_castsi512_ps(v); }
FK_VECTOR vec_i sub_bytes(vec_i a, vec_i b) { return _mm512_sub_epi8(a, b); }
FK_VECTOR vec_f int_to_f(vec_i v) { return _mm512_cvtepi32_ps(v); }
FK_VECTOR vec_i and_i(vec_i a, vec_i b) { return _mm512_and_si512(a, b); }
FK_VECTOR vec_i left_i(vec_i v, int bits) { return _mm512_slli_epi16(v, (unsigned)bits); }
FK_VECTOR vec_i right_i(vec_i v, int bits) { return _mm512_srli_epi16(v, (unsigned)bits); }

/* (a & mask) | b */
FK_VECTOR vec_i select_bits(vec_i a, vec_i b, vec_i mask) {
    return _mm512_ternarylogic_epi32(a, b, mask, 0xec);
}

FK_VECTOR vec_i look_up(fk_packed_format f, vec_i codes) {
    uint8_t table[16];
    for (int i = 0; i < 16; i++) table[i] = fk_packed_value(f, i);
    __m128i values;
    memcpy(&values, table, 16);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), codes);
}

FK_VECTOR __m128i load_16(const uint8_t *p) {
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

FK_VECTOR vec_f f16_lanes(const uint8_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

FK_VECTOR vec_f u8_lanes(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(load_16(p)));
}

FK_VECTOR vec_f i8_lanes(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_16(p)));
}

FK_VECTOR vec_f low4_lanes(const uint8_t *p) {
    return _mm512_cvtepi32_ps(
        _mm512_and_si512(_mm512_cvtepu8_epi32(load_16(p)), _mm512_set1_epi32(15)));
}

FK_VECTOR vec_f high4_lanes(const uint8_t *p) {
    return _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_cvtepu8_epi32(load_16(p)), 4));
}

/* Sums of 32 elements from those of 16: pairs of 16-bit numbers times `factor`. */
FK_VECTOR vec_i scaled_blocks(const int16_t *sums, int factor) {
    return _mm512_madd_epi16(load_i(sums), _mm512_set1_epi16((short)factor));
}

/* Each of 16 sums times `factor`: as pairs with the second factor 0. */
FK_VECTOR vec_i scaled_halves(const int16_t *sums, int factor) {
    __m256i packed = _mm256_loadu_si256((const __m256i *)(const void *)sums);
    return _mm512_madd_epi16(_mm512_cvtepi16_epi32(packed), splat_i(factor & 0xffff));
}

FK_VECTOR void start_blocks(int32_t *out, const int16_t *sums, int factor, int constant) {
    store_i(out, _mm512_add_epi32(scaled_blocks(sums, factor), splat_i(constant)));
}

FK_VECTOR void start_halves(int32_t *out, const int16_t *sums, int factor, int constant) {
    for (int i = 0; i < 32; i += 16)
        store_i(out + i, _mm512_add_epi32(scaled_halves(sums + i, factor), splat_i(constant)));
}

FK_VECTOR void sum_blocks(float *out, const int16_t *sums) {
    store_f(out, _mm512_cvtepi32_ps(scaled_blocks(sums, 1)));
}

FK_VECTOR void sum_halves(float *out, const int16_t *sums) {
    for (int i = 0; i < 32; i += 16)
        store_f(out + i, _mm512_cvtepi32_ps(scaled_halves(sums + i, 1)));
}

FK_VECTOR vec_i splat_codes(const int8_t *q) {
    int32_t four;
    memcpy(&four, q, 4);
    return splat_i(four);
}

/* 2^(e - 128): the exponent field is e - 1, but 2^-128 and 2^-127 are subnormal. */
FK_VECTOR vec_f e8m0_lanes(const uint8_t *p) {
    __m512i e = _mm512_cvtepu8_epi32(load_16(p));
    __m512i normal = _mm512_slli_epi32(_mm512_sub_epi32(e, _mm512_set1_epi32(1)), 23);
    __m512i small = _mm512_sllv_epi32(_mm512_set1_epi32(0x200000), e);
    __mmask16 is_small = _mm512_cmplt_epi32_mask(e, _mm512_set1_epi32(2));
    return _mm512_castsi512_ps(_mm512_mask_blend_epi32(is_small, normal, small));
}

#endif
