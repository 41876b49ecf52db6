/* Sixteen float32 lanes in two AVX2 registers; see lanes_avx512.h. */
#ifndef FK_LANES_H
#define FK_LANES_H

#include "../levels/dispatch.h"
#include "scalar.h"

#include <immintrin.h>

#define FK_NAMED(op) fk_##op##_avx2
#define FK_TARGET FK_TARGET_AVX2
#define FK_LANE static inline __attribute__((always_inline)) FK_TARGET_AVX2
#define FK_WIDE_ROWS 6
#define FK_WIDE_COLUMNS 1

typedef struct lanes {
    __m256 low, high;
} lanes;
typedef struct int_lanes {
    __m256i low, high;
} int_lanes;
typedef lanes mask_lanes; /* all bits of a lane, or none */

FK_LANE lanes v_both(__m256 low, __m256 high) { return (lanes){low, high}; }
FK_LANE int_lanes v_int_both(__m256i low, __m256i high) { return (int_lanes){low, high}; }

FK_LANE lanes v_zero(void) { return v_both(_mm256_setzero_ps(), _mm256_setzero_ps()); }
FK_LANE lanes v_set(float x) { return v_both(_mm256_set1_ps(x), _mm256_set1_ps(x)); }
FK_LANE lanes v_load(const float *p) {
    return v_both(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}
FK_LANE void v_store(float *p, lanes x) {
    _mm256_storeu_ps(p, x.low);
    _mm256_storeu_ps(p + 8, x.high);
}

static const int32_t fk_first_mask[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                          -1, -1, -1, -1, -1, 0,  0,  0,  0,  0,  0,
                                          0,  0,  0,  0,  0,  0,  0,  0,  0,  0};
FK_LANE int_lanes v_first(size_t count) {
    const int32_t *mask = fk_first_mask + 16 - count;
    return v_int_both(_mm256_loadu_si256((const __m256i *)mask),
                      _mm256_loadu_si256((const __m256i *)(mask + 8)));
}
FK_LANE lanes v_load_first(const float *p, size_t count) {
    int_lanes mask = v_first(count);
    return v_both(_mm256_maskload_ps(p, mask.low), _mm256_maskload_ps(p + 8, mask.high));
}
FK_LANE void v_store_first(float *p, lanes x, size_t count) {
    int_lanes mask = v_first(count);
    _mm256_maskstore_ps(p, mask.low, x.low);
    _mm256_maskstore_ps(p + 8, mask.high, x.high);
}

#define FK_EACH(x86, a, b) v_both(x86((a).low, (b).low), x86((a).high, (b).high))
#define FK_INT_EACH(x86, a, b) v_int_both(x86((a).low, (b).low), x86((a).high, (b).high))

FK_LANE lanes v_keep_first(lanes x, size_t count) {
    int_lanes mask = v_first(count);
    return v_both(_mm256_and_ps(x.low, _mm256_castsi256_ps(mask.low)),
                  _mm256_and_ps(x.high, _mm256_castsi256_ps(mask.high)));
}

FK_LANE lanes v_add(lanes a, lanes b) { return FK_EACH(_mm256_add_ps, a, b); }
FK_LANE lanes v_sub(lanes a, lanes b) { return FK_EACH(_mm256_sub_ps, a, b); }
FK_LANE lanes v_mul(lanes a, lanes b) { return FK_EACH(_mm256_mul_ps, a, b); }
FK_LANE lanes v_div(lanes a, lanes b) { return FK_EACH(_mm256_div_ps, a, b); }
FK_LANE lanes v_sqrt(lanes a) { return v_both(_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)); }
FK_LANE lanes v_fma(lanes a, lanes b, lanes c) {
    return v_both(_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high));
}
FK_LANE lanes v_fnma(lanes a, lanes b, lanes c) {
    return v_both(_mm256_fnmadd_ps(a.low, b.low, c.low),
                  _mm256_fnmadd_ps(a.high, b.high, c.high));
}
FK_LANE lanes v_max(lanes a, lanes b) { return FK_EACH(_mm256_max_ps, a, b); }
FK_LANE lanes v_min(lanes a, lanes b) { return FK_EACH(_mm256_min_ps, a, b); }
FK_LANE lanes v_round(lanes a) {
    return v_both(_mm256_round_ps(a.low, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC),
                  _mm256_round_ps(a.high, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
/* In two factors: the first product is exact, the second rounds. */
FK_LANE __m256 v_scale2_half(__m256 a, __m256 n) {
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    __m256i rest = _mm256_sub_epi32(whole, half), bias = _mm256_set1_epi32(127);
    __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    __m256i second = _mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23);
    a = _mm256_mul_ps(a, _mm256_castsi256_ps(first));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(second));
}
FK_LANE lanes v_scale2(lanes a, lanes n) {
    return v_both(v_scale2_half(a.low, n.low), v_scale2_half(a.high, n.high));
}

FK_LANE lanes v_negate(lanes a) { return FK_EACH(_mm256_xor_ps, a, v_set(-0.0f)); }
FK_LANE lanes v_magnitude(lanes a) { return FK_EACH(_mm256_andnot_ps, v_set(-0.0f), a); }
FK_LANE lanes v_with_sign(lanes a, lanes b) {
    lanes sign = v_set(-0.0f);
    lanes magnitude = FK_EACH(_mm256_andnot_ps, sign, a), flag = FK_EACH(_mm256_and_ps, sign, b);
    return FK_EACH(_mm256_or_ps, magnitude, flag);
}

FK_LANE mask_lanes v_less(lanes a, lanes b) {
    return v_both(_mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ),
                  _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ));
}
FK_LANE mask_lanes v_equal(lanes a, lanes b) {
    return v_both(_mm256_cmp_ps(a.low, b.low, _CMP_EQ_OQ),
                  _mm256_cmp_ps(a.high, b.high, _CMP_EQ_OQ));
}
FK_LANE mask_lanes v_is_nan(lanes a) {
    return v_both(_mm256_cmp_ps(a.low, a.low, _CMP_UNORD_Q),
                  _mm256_cmp_ps(a.high, a.high, _CMP_UNORD_Q));
}
FK_LANE mask_lanes v_either(mask_lanes a, mask_lanes b) { return FK_EACH(_mm256_or_ps, a, b); }
FK_LANE lanes v_select(mask_lanes mask, lanes a, lanes b) {
    return v_both(_mm256_blendv_ps(b.low, a.low, mask.low),
                  _mm256_blendv_ps(b.high, a.high, mask.high));
}
FK_LANE unsigned v_bits_of(mask_lanes mask) {
    return (unsigned)_mm256_movemask_ps(mask.low) |
           (unsigned)_mm256_movemask_ps(mask.high) << 8;
}

FK_LANE int_lanes v_int(lanes a) {
    return v_int_both(_mm256_cvtps_epi32(a.low), _mm256_cvtps_epi32(a.high));
}
FK_LANE lanes v_float(int_lanes a) {
    return v_both(_mm256_cvtepi32_ps(a.low), _mm256_cvtepi32_ps(a.high));
}
FK_LANE int_lanes v_as_int(lanes a) {
    return v_int_both(_mm256_castps_si256(a.low), _mm256_castps_si256(a.high));
}
FK_LANE lanes v_as_float(int_lanes a) {
    return v_both(_mm256_castsi256_ps(a.low), _mm256_castsi256_ps(a.high));
}
FK_LANE int_lanes v_int_set(uint32_t x) {
    return v_int_both(_mm256_set1_epi32((int)x), _mm256_set1_epi32((int)x));
}
FK_LANE int_lanes v_int_load(const uint32_t *p) {
    return v_int_both(_mm256_loadu_si256((const __m256i *)p),
                      _mm256_loadu_si256((const __m256i *)(p + 8)));
}
FK_LANE void v_int_store(uint32_t *p, int_lanes x) {
    _mm256_storeu_si256((__m256i *)p, x.low);
    _mm256_storeu_si256((__m256i *)(p + 8), x.high);
}
/* Numbers below 256. */
FK_LANE void v_byte_store(uint8_t *p, int_lanes x) {
    __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(x.low, x.high), 0xd8);
    _mm_storeu_si128((__m128i *)p, _mm_packus_epi16(_mm256_castsi256_si128(words),
                                                    _mm256_extracti128_si256(words, 1)));
}
FK_LANE int_lanes v_int_add(int_lanes a, int_lanes b) {
    return FK_INT_EACH(_mm256_add_epi32, a, b);
}
FK_LANE int_lanes v_int_sub(int_lanes a, int_lanes b) {
    return FK_INT_EACH(_mm256_sub_epi32, a, b);
}
FK_LANE int_lanes v_int_and(int_lanes a, int_lanes b) {
    return FK_INT_EACH(_mm256_and_si256, a, b);
}
FK_LANE int_lanes v_int_xor(int_lanes a, int_lanes b) {
    return FK_INT_EACH(_mm256_xor_si256, a, b);
}
FK_LANE mask_lanes v_int_equal(int_lanes a, int_lanes b) {
    return v_as_float(FK_INT_EACH(_mm256_cmpeq_epi32, a, b));
}
#define v_shift_left(a, count) \
    v_int_both(_mm256_slli_epi32((a).low, count), _mm256_slli_epi32((a).high, count))
#define v_shift_right(a, count) \
    v_int_both(_mm256_srli_epi32((a).low, count), _mm256_srli_epi32((a).high, count))
#define v_shift_right_signed(a, count) \
    v_int_both(_mm256_srai_epi32((a).low, count), _mm256_srai_epi32((a).high, count))
FK_LANE void v_int_multiply_half(__m256i *high, __m256i *low, __m256i a, __m256i b) {
    __m256i even = _mm256_mul_epu32(a, b);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
FK_LANE void v_int_multiply(int_lanes *high, int_lanes *low, int_lanes a, int_lanes b) {
    int_lanes h, l;
    v_int_multiply_half(&h.low, &l.low, a.low, b.low);
    v_int_multiply_half(&h.high, &l.high, a.high, b.high);
    *high = h;
    *low = l;
}

FK_LANE float v_halve(lanes x) {
    __m256 a = _mm256_add_ps(x.low, x.high);
    __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
FK_LANE float v_lane0(lanes x) { return _mm256_cvtss_f32(x.low); }
FK_LANE float v_largest(lanes x) {
    __m256 a = _mm256_max_ps(x.low, x.high);
    __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    b = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

FK_LANE lanes v_load_f16(const uint16_t *p) {
    return v_both(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
                  _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8))));
}
FK_LANE __m256 v_load_bf16_half(const uint16_t *p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
FK_LANE lanes v_load_bf16(const uint16_t *p) {
    return v_both(v_load_bf16_half(p), v_load_bf16_half(p + 8));
}
FK_LANE void v_store_f16(uint16_t *p, lanes x) {
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(x.low, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i *)(p + 8), _mm256_cvtps_ph(x.high, _MM_FROUND_TO_NEAREST_INT));
}

FK_LANE void v_transpose_8(__m256 x[8]) {
    __m256 t[8];
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 8; i += 4) {
        x[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        x[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        x[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        x[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        __m256 a = x[j], b = x[j + 4];
        x[j] = _mm256_permute2f128_ps(a, b, 0x20);
        x[j + 4] = _mm256_permute2f128_ps(a, b, 0x31);
    }
}
FK_LANE void v_transpose(lanes x[16]) {
    __m256 q[4][8];
    for (int i = 0; i < 8; i++) {
        q[0][i] = x[i].low;
        q[1][i] = x[i].high;
        q[2][i] = x[i + 8].low;
        q[3][i] = x[i + 8].high;
    }
    for (int i = 0; i < 4; i++) v_transpose_8(q[i]);
    for (int i = 0; i < 8; i++) {
        x[i] = v_both(q[0][i], q[2][i]);
        x[i + 8] = v_both(q[1][i], q[3][i]);
    }
}

FK_LANE lanes v_swap_pairs(lanes x) {
    return v_both(_mm256_permute_ps(x.low, 0xb1), _mm256_permute_ps(x.high, 0xb1));
}
FK_LANE lanes v_load_doubled(const float *p) {
    __m256 x = _mm256_loadu_ps(p);
    return v_both(_mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)),
                  _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7)));
}
FK_LANE lanes v_negate_even(lanes x) {
    __m256 even = _mm256_castsi256_ps(_mm256_set1_epi64x(0x80000000));
    return v_both(_mm256_xor_ps(x.low, even), _mm256_xor_ps(x.high, even));
}

#endif
