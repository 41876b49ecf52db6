/* Sixteen float32 lanes in four AArch64 registers; see lanes_avx512.h. */
#ifndef FK_LANES_H
#define FK_LANES_H

#include "../levels/dispatch.h"
#include "scalar.h"

#include <arm_neon.h>

#define FK_NAMED(op) fk_##op##_neon
#define FK_TARGET
#define FK_LANE static inline __attribute__((always_inline, unused))
/* 24 of the 32 registers for sums, four for what is loaded, one for a broadcast. */
#define FK_WIDE_ROWS 6
#define FK_WIDE_COLUMNS 1

typedef struct lanes {
    float32x4_t part[4];
} lanes;
typedef struct int_lanes {
    uint32x4_t part[4];
} int_lanes;
typedef int_lanes mask_lanes; /* all bits of a lane, or none */

/* One expression for each of the four registers, called i in it. */
#define FK_FOUR(type, expression)                                 \
    type y_;                                                      \
    _Pragma("clang loop unroll(full)")                            \
    for (int i = 0; i < 4; i++) y_.part[i] = (expression);        \
    return y_

FK_LANE lanes v_set(float x) { FK_FOUR(lanes, vdupq_n_f32(x)); }
FK_LANE lanes v_zero(void) { return v_set(0); }
FK_LANE lanes v_load(const float *p) { FK_FOUR(lanes, vld1q_f32(p + 4 * i)); }
FK_LANE void v_store(float *p, lanes x) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, x.part[i]);
}

static const uint32_t fk_first_mask[32] = {
    ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u,
};
FK_LANE int_lanes v_first(size_t count) {
    const uint32_t *mask = fk_first_mask + 16 - count;
    FK_FOUR(int_lanes, vld1q_u32(mask + 4 * i));
}
FK_LANE lanes v_load_first(const float *p, size_t count) {
    if (count == 16) return v_load(p);
    float there[16] = {0};
    for (size_t i = 0; i < count; i++) there[i] = p[i];
    return v_load(there);
}
FK_LANE void v_store_first(float *p, lanes x, size_t count) {
    if (count == 16) {
        v_store(p, x);
        return;
    }
    float all[16];
    v_store(all, x);
    for (size_t i = 0; i < count; i++) p[i] = all[i];
}
FK_LANE int_lanes v_as_int(lanes a) { FK_FOUR(int_lanes, vreinterpretq_u32_f32(a.part[i])); }
FK_LANE lanes v_as_float(int_lanes a) { FK_FOUR(lanes, vreinterpretq_f32_u32(a.part[i])); }
FK_LANE int_lanes v_int_and(int_lanes a, int_lanes b) {
    FK_FOUR(int_lanes, vandq_u32(a.part[i], b.part[i]));
}
FK_LANE lanes v_keep_first(lanes x, size_t count) {
    return v_as_float(v_int_and(v_as_int(x), v_first(count)));
}

FK_LANE lanes v_add(lanes a, lanes b) { FK_FOUR(lanes, vaddq_f32(a.part[i], b.part[i])); }
FK_LANE lanes v_sub(lanes a, lanes b) { FK_FOUR(lanes, vsubq_f32(a.part[i], b.part[i])); }
FK_LANE lanes v_mul(lanes a, lanes b) { FK_FOUR(lanes, vmulq_f32(a.part[i], b.part[i])); }
FK_LANE lanes v_div(lanes a, lanes b) { FK_FOUR(lanes, vdivq_f32(a.part[i], b.part[i])); }
FK_LANE lanes v_sqrt(lanes a) { FK_FOUR(lanes, vsqrtq_f32(a.part[i])); }
FK_LANE lanes v_fma(lanes a, lanes b, lanes c) {
    FK_FOUR(lanes, vfmaq_f32(c.part[i], a.part[i], b.part[i]));
}
FK_LANE lanes v_fnma(lanes a, lanes b, lanes c) {
    FK_FOUR(lanes, vfmsq_f32(c.part[i], a.part[i], b.part[i]));
}
/* Not FMAX and FMIN, which take the greater zero and keep a NaN of either operand. */
FK_LANE lanes v_max(lanes a, lanes b) {
    FK_FOUR(lanes, vbslq_f32(vcgtq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]));
}
FK_LANE lanes v_min(lanes a, lanes b) {
    FK_FOUR(lanes, vbslq_f32(vcltq_f32(a.part[i], b.part[i]), a.part[i], b.part[i]));
}
FK_LANE lanes v_round(lanes a) { FK_FOUR(lanes, vrndnq_f32(a.part[i])); }
/* In two factors: the first product is exact, the second rounds. */
FK_LANE float32x4_t v_scale2_part(float32x4_t a, float32x4_t n) {
    int32x4_t whole = vcvtnq_s32_f32(n), half = vshrq_n_s32(whole, 1);
    int32x4_t rest = vsubq_s32(whole, half), bias = vdupq_n_s32(127);
    a = vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}
FK_LANE lanes v_scale2(lanes a, lanes n) {
    FK_FOUR(lanes, v_scale2_part(a.part[i], n.part[i]));
}

FK_LANE lanes v_negate(lanes a) { FK_FOUR(lanes, vnegq_f32(a.part[i])); }
FK_LANE lanes v_magnitude(lanes a) { FK_FOUR(lanes, vabsq_f32(a.part[i])); }
FK_LANE lanes v_with_sign(lanes a, lanes b) {
    const uint32x4_t sign = vdupq_n_u32(0x80000000);
    FK_FOUR(lanes, vbslq_f32(sign, b.part[i], a.part[i]));
}

FK_LANE mask_lanes v_less(lanes a, lanes b) {
    FK_FOUR(mask_lanes, vcltq_f32(a.part[i], b.part[i]));
}
FK_LANE mask_lanes v_equal(lanes a, lanes b) {
    FK_FOUR(mask_lanes, vceqq_f32(a.part[i], b.part[i]));
}
FK_LANE mask_lanes v_is_nan(lanes a) {
    FK_FOUR(mask_lanes, vmvnq_u32(vceqq_f32(a.part[i], a.part[i])));
}
FK_LANE mask_lanes v_either(mask_lanes a, mask_lanes b) {
    FK_FOUR(mask_lanes, vorrq_u32(a.part[i], b.part[i]));
}
FK_LANE lanes v_select(mask_lanes mask, lanes a, lanes b) {
    FK_FOUR(lanes, vbslq_f32(mask.part[i], a.part[i], b.part[i]));
}
/* Bit j is that of lane j: lanes become bytes, which keep one bit each. */
FK_LANE unsigned v_bits_of(mask_lanes mask) {
    const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint16x8_t low = vuzp1q_u16(vreinterpretq_u16_u32(mask.part[0]),
                                vreinterpretq_u16_u32(mask.part[1]));
    uint16x8_t high = vuzp1q_u16(vreinterpretq_u16_u32(mask.part[2]),
                                 vreinterpretq_u16_u32(mask.part[3]));
    uint8x16_t bytes = vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high));
    bytes = vandq_u8(bytes, bit);
    return (unsigned)vaddv_u8(vget_low_u8(bytes)) |
           (unsigned)vaddv_u8(vget_high_u8(bytes)) << 8;
}

FK_LANE int_lanes v_int(lanes a) {
    FK_FOUR(int_lanes, vreinterpretq_u32_s32(vcvtnq_s32_f32(a.part[i])));
}
FK_LANE lanes v_float(int_lanes a) {
    FK_FOUR(lanes, vcvtq_f32_s32(vreinterpretq_s32_u32(a.part[i])));
}
FK_LANE int_lanes v_int_set(uint32_t x) { FK_FOUR(int_lanes, vdupq_n_u32(x)); }
FK_LANE int_lanes v_int_load(const uint32_t *p) { FK_FOUR(int_lanes, vld1q_u32(p + 4 * i)); }
FK_LANE void v_int_store(uint32_t *p, int_lanes x) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) vst1q_u32(p + 4 * i, x.part[i]);
}
/* Numbers below 256. */
FK_LANE void v_byte_store(uint8_t *p, int_lanes x) {
    uint16x8_t low = vcombine_u16(vmovn_u32(x.part[0]), vmovn_u32(x.part[1]));
    uint16x8_t high = vcombine_u16(vmovn_u32(x.part[2]), vmovn_u32(x.part[3]));
    vst1q_u8(p, vcombine_u8(vmovn_u16(low), vmovn_u16(high)));
}
FK_LANE int_lanes v_int_add(int_lanes a, int_lanes b) {
    FK_FOUR(int_lanes, vaddq_u32(a.part[i], b.part[i]));
}
FK_LANE int_lanes v_int_sub(int_lanes a, int_lanes b) {
    FK_FOUR(int_lanes, vsubq_u32(a.part[i], b.part[i]));
}
FK_LANE int_lanes v_int_xor(int_lanes a, int_lanes b) {
    FK_FOUR(int_lanes, veorq_u32(a.part[i], b.part[i]));
}
FK_LANE mask_lanes v_int_equal(int_lanes a, int_lanes b) {
    FK_FOUR(mask_lanes, vceqq_u32(a.part[i], b.part[i]));
}
/* By a register, for the count may be an argument; a constant becomes an immediate. */
FK_LANE int_lanes v_shift_left(int_lanes a, int count) {
    FK_FOUR(int_lanes, vshlq_u32(a.part[i], vdupq_n_s32(count)));
}
FK_LANE int_lanes v_shift_right(int_lanes a, int count) {
    FK_FOUR(int_lanes, vshlq_u32(a.part[i], vdupq_n_s32(-count)));
}
FK_LANE int_lanes v_shift_right_signed(int_lanes a, int count) {
    FK_FOUR(int_lanes, vreinterpretq_u32_s32(vshlq_s32(vreinterpretq_s32_u32(a.part[i]),
                                                       vdupq_n_s32(-count))));
}
FK_LANE void v_int_multiply(int_lanes *high, int_lanes *low, int_lanes a, int_lanes b) {
    int_lanes h, l;
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        uint32x4_t first = vreinterpretq_u32_u64(
            vmull_u32(vget_low_u32(a.part[i]), vget_low_u32(b.part[i])));
        uint32x4_t second = vreinterpretq_u32_u64(vmull_high_u32(a.part[i], b.part[i]));
        l.part[i] = vuzp1q_u32(first, second);
        h.part[i] = vuzp2q_u32(first, second);
    }
    *high = h;
    *low = l;
}

FK_LANE float v_halve(lanes x) {
    float32x4_t four = vaddq_f32(vaddq_f32(x.part[0], x.part[2]),
                                 vaddq_f32(x.part[1], x.part[3]));
    return vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)));
}
FK_LANE float v_lane0(lanes x) { return vgetq_lane_f32(x.part[0], 0); }
FK_LANE float v_largest(lanes x) {
    float all[16];
    v_store(all, x);
    for (int step = 8; step > 0; step /= 2)
#pragma clang loop unroll(full)
        for (int i = 0; i < step; i++) all[i] = fk_max1(all[i], all[i + step]);
    return all[0];
}

FK_LANE lanes v_load_f16(const uint16_t *p) {
    FK_FOUR(lanes, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))));
}
FK_LANE lanes v_load_bf16(const uint16_t *p) {
    FK_FOUR(lanes, vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)));
}
FK_LANE void v_store_f16(uint16_t *p, lanes x) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++)
        vst1_u16(p + 4 * i, vreinterpret_u16_f16(vcvt_f16_f32(x.part[i])));
}

/* Turns 4 rows of 4, a register each, into 4 columns. */
FK_LANE void v_transpose_4(float32x4_t *a, float32x4_t *b, float32x4_t *c, float32x4_t *d) {
    float64x2_t ab0 = vreinterpretq_f64_f32(vtrn1q_f32(*a, *b));
    float64x2_t ab1 = vreinterpretq_f64_f32(vtrn2q_f32(*a, *b));
    float64x2_t cd0 = vreinterpretq_f64_f32(vtrn1q_f32(*c, *d));
    float64x2_t cd1 = vreinterpretq_f64_f32(vtrn2q_f32(*c, *d));
    *a = vreinterpretq_f32_f64(vtrn1q_f64(ab0, cd0));
    *b = vreinterpretq_f32_f64(vtrn1q_f64(ab1, cd1));
    *c = vreinterpretq_f32_f64(vtrn2q_f64(ab0, cd0));
    *d = vreinterpretq_f32_f64(vtrn2q_f64(ab1, cd1));
}
FK_LANE void v_transpose(lanes x[16]) {
    lanes y[16];
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++) {
            float32x4_t block[4];
            for (int i = 0; i < 4; i++) block[i] = x[4 * row + i].part[column];
            v_transpose_4(&block[0], &block[1], &block[2], &block[3]);
            for (int i = 0; i < 4; i++) y[4 * column + i].part[row] = block[i];
        }
    for (int i = 0; i < 16; i++) x[i] = y[i];
}

FK_LANE lanes v_swap_pairs(lanes x) { FK_FOUR(lanes, vrev64q_f32(x.part[i])); }
FK_LANE lanes v_load_doubled(const float *p) {
    float32x4_t low = vld1q_f32(p), high = vld1q_f32(p + 4);
    return (lanes){{vzip1q_f32(low, low), vzip2q_f32(low, low), vzip1q_f32(high, high),
                    vzip2q_f32(high, high)}};
}
FK_LANE lanes v_negate_even(lanes x) {
    const uint32x4_t even = {0x80000000, 0, 0x80000000, 0};
    FK_FOUR(lanes,
            vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x.part[i]), even)));
}

#endif
