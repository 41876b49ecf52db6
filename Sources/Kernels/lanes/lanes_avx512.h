/* Sixteen float32 lanes in one AVX-512 register.
 *
 * The same names as lanes_avx2.h; a file of kernels written with them is compiled
 * once for each level and gives the same bits at both. */
#ifndef FK_LANES_H
#define FK_LANES_H

#include "../levels/dispatch.h"
#include "scalar.h"

#include <immintrin.h>

#define FK_NAMED(op) fk_##op##_avx512
#define FK_TARGET FK_TARGET_AVX512
#define FK_LANE static inline __attribute__((always_inline)) FK_TARGET_AVX512
/* Registers that attention may keep its sums in, as rows and columns of sixteen. */
#define FK_WIDE_ROWS 6
#define FK_WIDE_COLUMNS 4

typedef __m512 lanes;      /* 16 float32 */
typedef __m512i int_lanes; /* 16 int32 or uint32 */
typedef __mmask16 mask_lanes;

FK_LANE lanes v_zero(void) { return _mm512_setzero_ps(); }
FK_LANE lanes v_set(float x) { return _mm512_set1_ps(x); }
FK_LANE lanes v_load(const float *p) { return _mm512_loadu_ps(p); }
FK_LANE void v_store(float *p, lanes x) { _mm512_storeu_ps(p, x); }

/* The first `count` lanes, at most 16; the others are zero, or left alone in memory. */
FK_LANE __mmask16 v_first(size_t count) { return (__mmask16)((1u << count) - 1); }
FK_LANE lanes v_load_first(const float *p, size_t count) {
    return _mm512_maskz_loadu_ps(v_first(count), p);
}
FK_LANE void v_store_first(float *p, lanes x, size_t count) {
    _mm512_mask_storeu_ps(p, v_first(count), x);
}
FK_LANE lanes v_keep_first(lanes x, size_t count) {
    return _mm512_maskz_mov_ps(v_first(count), x);
}

FK_LANE lanes v_add(lanes a, lanes b) { return _mm512_add_ps(a, b); }
FK_LANE lanes v_sub(lanes a, lanes b) { return _mm512_sub_ps(a, b); }
FK_LANE lanes v_mul(lanes a, lanes b) { return _mm512_mul_ps(a, b); }
FK_LANE lanes v_div(lanes a, lanes b) { return _mm512_div_ps(a, b); }
FK_LANE lanes v_sqrt(lanes a) { return _mm512_sqrt_ps(a); }
/* a b + c and c - a b, rounded once. */
FK_LANE lanes v_fma(lanes a, lanes b, lanes c) { return _mm512_fmadd_ps(a, b, c); }
FK_LANE lanes v_fnma(lanes a, lanes b, lanes c) { return _mm512_fnmadd_ps(a, b, c); }
/* a > b ? a : b, a < b ? a : b */
FK_LANE lanes v_max(lanes a, lanes b) { return _mm512_max_ps(a, b); }
FK_LANE lanes v_min(lanes a, lanes b) { return _mm512_min_ps(a, b); }
/* To a whole number, to nearest even. */
FK_LANE lanes v_round(lanes a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT); }
/* a 2^n, rounded once, for n in -150 ... 128. */
FK_LANE lanes v_scale2(lanes a, lanes n) { return _mm512_scalef_ps(a, n); }

FK_LANE lanes v_negate(lanes a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
FK_LANE lanes v_magnitude(lanes a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
/* The magnitude of a with the sign of b. */
FK_LANE lanes v_with_sign(lanes a, lanes b) {
    __m512 sign = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(sign, a), _mm512_and_ps(sign, b));
}

FK_LANE mask_lanes v_less(lanes a, lanes b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
FK_LANE mask_lanes v_equal(lanes a, lanes b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
FK_LANE mask_lanes v_is_nan(lanes a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
FK_LANE mask_lanes v_either(mask_lanes a, mask_lanes b) { return (mask_lanes)(a | b); }
/* mask ? a : b */
FK_LANE lanes v_select(mask_lanes mask, lanes a, lanes b) {
    return _mm512_mask_blend_ps(mask, b, a);
}
/* Bit j is lane j. */
FK_LANE unsigned v_bits_of(mask_lanes mask) { return mask; }

FK_LANE int_lanes v_int(lanes a) { return _mm512_cvtps_epi32(a); }
FK_LANE lanes v_float(int_lanes a) { return _mm512_cvtepi32_ps(a); }
FK_LANE int_lanes v_as_int(lanes a) { return _mm512_castps_si512(a); }
FK_LANE lanes v_as_float(int_lanes a) { return _mm512_castsi512_ps(a); }
FK_LANE int_lanes v_int_set(uint32_t x) { return _mm512_set1_epi32((int)x); }
FK_LANE int_lanes v_int_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
FK_LANE void v_int_store(uint32_t *p, int_lanes x) { _mm512_storeu_si512(p, x); }
/* Numbers below 256. */
FK_LANE void v_byte_store(uint8_t *p, int_lanes x) {
    _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(x));
}
FK_LANE int_lanes v_int_add(int_lanes a, int_lanes b) { return _mm512_add_epi32(a, b); }
FK_LANE int_lanes v_int_sub(int_lanes a, int_lanes b) { return _mm512_sub_epi32(a, b); }
FK_LANE int_lanes v_int_and(int_lanes a, int_lanes b) { return _mm512_and_si512(a, b); }
FK_LANE int_lanes v_int_xor(int_lanes a, int_lanes b) { return _mm512_xor_si512(a, b); }
FK_LANE mask_lanes v_int_equal(int_lanes a, int_lanes b) {
    return _mm512_cmpeq_epi32_mask(a, b);
}
#define v_shift_left(a, count) _mm512_slli_epi32(a, count)
#define v_shift_right(a, count) _mm512_srli_epi32(a, count)
#define v_shift_right_signed(a, count) _mm512_srai_epi32(a, count)
/* Both halves of the products of 32-bit numbers without sign. */
FK_LANE void v_int_multiply(int_lanes *high, int_lanes *low, int_lanes a, int_lanes b) {
    __m512i even = _mm512_mul_epu32(a, b);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    *low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
    *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}

/* Halves 16 lanes as fk_halve16 does. */
FK_LANE float v_halve(lanes x) {
    __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
FK_LANE float v_lane0(lanes x) { return _mm512_cvtss_f32(x); }
FK_LANE float v_largest(lanes x) {
    __m256 a = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

FK_LANE lanes v_load_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
FK_LANE lanes v_load_bf16(const uint16_t *p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
FK_LANE void v_store_f16(uint16_t *p, lanes x) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

/* Turns 16 rows of 16 into 16 columns. */
FK_LANE void v_transpose(lanes x[16]) {
    __m512 t[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
    }
    /* x[4 i + j]: in 128-bit group g, column 4 g + j of rows 4 i ..< 4 i + 4. */
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4) {
        __m512d a = _mm512_castps_pd(t[i]), b = _mm512_castps_pd(t[i + 1]);
        __m512d c = _mm512_castps_pd(t[i + 2]), d = _mm512_castps_pd(t[i + 3]);
        x[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        x[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        x[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        x[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        __m512 a = _mm512_shuffle_f32x4(x[j], x[j + 4], 0x88);
        __m512 b = _mm512_shuffle_f32x4(x[j], x[j + 4], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(x[j + 8], x[j + 12], 0x88);
        __m512 d = _mm512_shuffle_f32x4(x[j + 8], x[j + 12], 0xdd);
        x[j] = _mm512_shuffle_f32x4(a, c, 0x88);
        x[j + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        x[j + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        x[j + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

/* (x1, x0, x3, x2 ...) */
FK_LANE lanes v_swap_pairs(lanes x) { return _mm512_permute_ps(x, 0xb1); }
/* (x0, x0, x1, x1 ... x7, x7) of 8 floats. */
FK_LANE lanes v_load_doubled(const float *p) {
    const __m512i order = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(order, _mm512_castps256_ps512(_mm256_loadu_ps(p)));
}
/* Flips the sign of the even lanes. */
FK_LANE lanes v_negate_even(lanes x) {
    return _mm512_xor_ps(x, _mm512_castsi512_ps(_mm512_set1_epi64(0x80000000)));
}

#endif
