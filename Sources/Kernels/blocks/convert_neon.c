/* Eight numbers a step; the tail goes through the reference. Shifts, converts
 * and selections only, so memory bounds all of these beyond the caches. */
#include "convert.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#pragma STDC FP_CONTRACT OFF

void fk_f32_to_f16_neon(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        vst1q_u8(to + 2 * i,
                 vreinterpretq_u8_f16(vcvt_high_f16_f32(vcvt_f16_f32(vld1q_f32(x + i)),
                                                        vld1q_f32(x + i + 4))));
    fk_f32_to_f16_reference(to + 2 * i, x + i, n - i);
}

void fk_f16_to_f32_neon(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        float16x8_t half = vreinterpretq_f16_u8(vld1q_u8(from + 2 * i));
        vst1q_f32(y + i, vcvt_f32_f16(vget_low_f16(half)));
        vst1q_f32(y + i + 4, vcvt_high_f32_f16(half));
    }
    fk_f16_to_f32_reference(y + i, from + 2 * i, n - i);
}

/* The upper halves of four floats after rounding, in the upper halves of the lanes. */
static inline uint16x8_t bf16_lanes(float32x4_t x) {
    uint32x4_t bits = vreinterpretq_u32_f32(x);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    return vreinterpretq_u16_u32(vbslq_u32(vceqq_f32(x, x), rounded, quiet));
}

void fk_f32_to_bf16_neon(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        vst1q_u8(to + 2 * i, vreinterpretq_u8_u16(vuzp2q_u16(bf16_lanes(vld1q_f32(x + i)),
                                                             bf16_lanes(vld1q_f32(x + i + 4)))));
    fk_f32_to_bf16_reference(to + 2 * i, x + i, n - i);
}

void fk_bf16_to_f32_neon(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint16x8_t half = vreinterpretq_u16_u8(vld1q_u8(from + 2 * i));
        vst1q_f32(y + i, vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(half), 16)));
        vst1q_f32(y + i + 4, vreinterpretq_f32_u32(vshll_high_n_u16(half, 16)));
    }
    fk_bf16_to_f32_reference(y + i, from + 2 * i, n - i);
}

/* Four E4M3 codes, one a lane: the same three cases as fk_f8e4m3_bits. */
static inline uint32x4_t f8_lanes(float32x4_t x) {
    uint32x4_t bits = vreinterpretq_u32_f32(x);
    uint32x4_t sign = vandq_u32(vshrq_n_u32(bits, 24), vdupq_n_u32(0x80));
    uint32x4_t magnitude = vandq_u32(bits, vdupq_n_u32(0x7fffffff));
    uint32x4_t nan = vcgtq_u32(magnitude, vdupq_n_u32(0x7f800000));
    uint32x4_t a = vminq_u32(magnitude, vdupq_n_u32(0x43e00000));
    uint32x4_t odd = vandq_u32(vshrq_n_u32(a, 20), vdupq_n_u32(1));
    uint32x4_t rounded = vaddq_u32(a, vaddq_u32(odd, vdupq_n_u32(0x7ffff)));
    uint32x4_t normal = vsubq_u32(vshrq_n_u32(rounded, 20), vdupq_n_u32(120 << 3));
    float32x4_t shifted = vaddq_f32(vreinterpretq_f32_u32(a), vdupq_n_f32(0x1p14f));
    uint32x4_t tiny = vsubq_u32(vreinterpretq_u32_f32(shifted), vdupq_n_u32(0x46800000));
    uint32x4_t code = vbslq_u32(vcltq_u32(a, vdupq_n_u32(0x3c800000)), tiny, normal);
    return vorrq_u32(vbslq_u32(nan, vdupq_n_u32(0x7f), code), sign);
}

void fk_f32_to_f8e4m3_neon(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint16x8_t words = vcombine_u16(vmovn_u32(f8_lanes(vld1q_f32(x + i))),
                                        vmovn_u32(f8_lanes(vld1q_f32(x + i + 4))));
        vst1_u8(to + i, vmovn_u16(words));
    }
    fk_f32_to_f8e4m3_reference(to + i, x + i, n - i);
}

/* E4M3 with its exponent and mantissa in place is the f16 of the value / 256:
 * the conversion to f32 then handles subnormals, and the product is exact. NaN
 * becomes the f16 NaN first. */
void fk_f8e4m3_to_f32_neon(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint16x8_t code = vmovl_u8(vld1_u8(from + i));
        uint16x8_t rest = vandq_u16(code, vdupq_n_u16(0x7f));
        uint16x8_t sign = vshlq_n_u16(vandq_u16(code, vdupq_n_u16(0x80)), 8);
        uint16x8_t nan = vceqq_u16(rest, vdupq_n_u16(0x7f));
        uint16x8_t half = vbslq_u16(nan, vdupq_n_u16(0x7e00), vshlq_n_u16(rest, 7));
        float16x8_t value = vreinterpretq_f16_u16(vorrq_u16(half, sign));
        vst1q_f32(y + i, vmulq_n_f32(vcvt_f32_f16(vget_low_f16(value)), 256));
        vst1q_f32(y + i + 4, vmulq_n_f32(vcvt_high_f32_f16(value), 256));
    }
    fk_f8e4m3_to_f32_reference(y + i, from + i, n - i);
}

#endif
