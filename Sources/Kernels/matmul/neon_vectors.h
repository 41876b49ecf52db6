/* The vector operations packed_template.h and float_template.h ask for, in AArch64
 * Advanced SIMD: 16 lanes are four registers. */
#ifndef FK_NEON_VECTORS_H
#define FK_NEON_VECTORS_H

#include <arm_neon.h>

#include "packed_layout.h"
#include "variants.h"

typedef struct { uint32x4_t part[4]; } vec_i;
typedef struct { float32x4_t part[4]; } vec_f;

#define FK_VECTOR static inline __attribute__((always_inline, unused))

/* One expression for each of the four registers, called i in it. */
#define FK_FOUR(type, expression)                          \
    type y_;                                               \
    FK_UNROLL                                              \
    for (int i = 0; i < 4; i++) y_.part[i] = (expression); \
    return y_
#define FK_BYTES(v) vreinterpretq_u8_u32((v).part[i])
#define FK_WORDS(v) vreinterpretq_u32_u8(v)

FK_VECTOR uint8x16_t load_16(const void *p) { return vld1q_u8((const uint8_t *)p); }

FK_VECTOR vec_i load_i(const void *p) {
    FK_FOUR(vec_i, FK_WORDS(load_16((const uint8_t *)p + 16 * i)));
}

FK_VECTOR void store_i(void *p, vec_i v) {
    FK_UNROLL
    for (int i = 0; i < 4; i++) vst1q_u8((uint8_t *)p + 16 * i, FK_BYTES(v));
}

FK_VECTOR vec_f load_f(const float *p) { FK_FOUR(vec_f, vld1q_f32(p + 4 * i)); }

FK_VECTOR void store_f(float *p, vec_f v) {
    FK_UNROLL
    for (int i = 0; i < 4; i++) vst1q_f32(p + 4 * i, v.part[i]);
}

FK_VECTOR vec_f load_part_f(const float *p, int count) {
    if (count >= 16) return load_f(p);
    float there[16] = {0};
    for (int i = 0; i < count; i++) there[i] = p[i];
    return load_f(there);
}

FK_VECTOR void store_part_f(float *p, vec_f v, int count) {
    if (count >= 16) {
        store_f(p, v);
        return;
    }
    float all[16];
    store_f(all, v);
    for (int i = 0; i < count; i++) p[i] = all[i];
}

FK_VECTOR vec_i splat_i(int32_t x) { FK_FOUR(vec_i, vdupq_n_u32((uint32_t)x)); }
FK_VECTOR vec_f splat_f(float x) { FK_FOUR(vec_f, vdupq_n_f32(x)); }
FK_VECTOR vec_f zero_f(void) { return splat_f(0); }
FK_VECTOR vec_f add_f(vec_f a, vec_f b) { FK_FOUR(vec_f, vaddq_f32(a.part[i], b.part[i])); }
FK_VECTOR vec_f mul_f(vec_f a, vec_f b) { FK_FOUR(vec_f, vmulq_f32(a.part[i], b.part[i])); }
FK_VECTOR vec_f fma_f(vec_f a, vec_f b, vec_f c) {
    FK_FOUR(vec_f, vfmaq_f32(c.part[i], a.part[i], b.part[i]));
}
FK_VECTOR vec_f as_f(vec_i v) { FK_FOUR(vec_f, vreinterpretq_f32_u32(v.part[i])); }
FK_VECTOR vec_f int_to_f(vec_i v) {
    FK_FOUR(vec_f, vcvtq_f32_s32(vreinterpretq_s32_u32(v.part[i])));
}
FK_VECTOR vec_i add_i(vec_i a, vec_i b) { FK_FOUR(vec_i, vaddq_u32(a.part[i], b.part[i])); }
FK_VECTOR vec_i and_i(vec_i a, vec_i b) { FK_FOUR(vec_i, vandq_u32(a.part[i], b.part[i])); }
FK_VECTOR vec_i sub_bytes(vec_i a, vec_i b) {
    FK_FOUR(vec_i, FK_WORDS(vsubq_u8(FK_BYTES(a), FK_BYTES(b))));
}

/* Within bytes: the template asks for no more, and masks what other levels let in. */
FK_VECTOR vec_i left_i(vec_i v, int bits) {
    FK_FOUR(vec_i, FK_WORDS(vshlq_u8(FK_BYTES(v), vdupq_n_s8((int8_t)bits))));
}
FK_VECTOR vec_i right_i(vec_i v, int bits) {
    FK_FOUR(vec_i, FK_WORDS(vshlq_u8(FK_BYTES(v), vdupq_n_s8((int8_t)-bits))));
}

/* (a & mask) | b */
FK_VECTOR vec_i select_bits(vec_i a, vec_i b, vec_i mask) {
    FK_FOUR(vec_i, vorrq_u32(vandq_u32(a.part[i], mask.part[i]), b.part[i]));
}

FK_VECTOR vec_i look_up(fk_packed_format f, vec_i codes) {
    uint8_t table[16];
    for (int i = 0; i < 16; i++) table[i] = fk_packed_value(f, i);
    const uint8x16_t values = load_16(table);
    FK_FOUR(vec_i, FK_WORDS(vqtbl1q_u8(values, FK_BYTES(codes))));
}

FK_VECTOR vec_f f16_lanes(const uint8_t *p) {
    FK_FOUR(vec_f, vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p + 8 * i))));
}

FK_VECTOR vec_i widen_u8(uint8x16_t bytes) {
    uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_high_u8(bytes);
    return (vec_i){{vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low),
                    vmovl_u16(vget_low_u16(high)), vmovl_high_u16(high)}};
}

FK_VECTOR vec_f u8_lanes(const uint8_t *p) { return int_to_f(widen_u8(load_16(p))); }

FK_VECTOR vec_f i8_lanes(const uint8_t *p) {
    int8x16_t bytes = vreinterpretq_s8_u8(load_16(p));
    int16x8_t low = vmovl_s8(vget_low_s8(bytes)), high = vmovl_high_s8(bytes);
    return (vec_f){{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                    vcvtq_f32_s32(vmovl_high_s16(low)),
                    vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                    vcvtq_f32_s32(vmovl_high_s16(high))}};
}

FK_VECTOR vec_f low4_lanes(const uint8_t *p) {
    return int_to_f(widen_u8(vandq_u8(load_16(p), vdupq_n_u8(15))));
}

FK_VECTOR vec_f high4_lanes(const uint8_t *p) {
    return int_to_f(widen_u8(vshrq_n_u8(load_16(p), 4)));
}

/* 2^(e - 128): the exponent field is e - 1, but 2^-128 and 2^-127 are subnormal. */
FK_VECTOR vec_f e8m0_lanes(const uint8_t *p) {
    const vec_i e = widen_u8(load_16(p));
    FK_FOUR(vec_f,
            vreinterpretq_f32_u32(vbslq_u32(
                vcltq_u32(e.part[i], vdupq_n_u32(2)),
                vshlq_u32(vdupq_n_u32(0x200000), vreinterpretq_s32_u32(e.part[i])),
                vshlq_n_u32(vsubq_u32(e.part[i], vdupq_n_u32(1)), 23))));
}

/* Sums of 32 elements from those of 16, in order. */
FK_VECTOR int32x4_t block_sum(const int16_t *sums, int part) {
    return vpaddlq_s16(vld1q_s16(sums + 8 * part));
}

FK_VECTOR void start_blocks(int32_t *out, const int16_t *sums, int factor, int constant) {
    FK_UNROLL
    for (int i = 0; i < 4; i++)
        vst1q_s32(out + 4 * i, vmlaq_n_s32(vdupq_n_s32(constant), block_sum(sums, i), factor));
}

FK_VECTOR void start_halves(int32_t *out, const int16_t *sums, int factor, int constant) {
    FK_UNROLL
    for (int i = 0; i < 32; i += 4)
        vst1q_s32(out + i, vmlaq_n_s32(vdupq_n_s32(constant), vmovl_s16(vld1_s16(sums + i)),
                                       factor));
}

FK_VECTOR void sum_blocks(float *out, const int16_t *sums) {
    FK_UNROLL
    for (int i = 0; i < 4; i++) vst1q_f32(out + 4 * i, vcvtq_f32_s32(block_sum(sums, i)));
}

FK_VECTOR void sum_halves(float *out, const int16_t *sums) {
    FK_UNROLL
    for (int i = 0; i < 32; i += 4)
        vst1q_f32(out + i, vcvtq_f32_s32(vmovl_s16(vld1_s16(sums + i))));
}

/* magic + low * sums[0] + high * sums[1] */
FK_VECTOR vec_i start(const int16_t *sums, int low, int high) {
    return splat_i(FK_MAGIC_BITS + low * sums[0] + high * sums[1]);
}

/* The four activation codes that every lane meets. */
FK_VECTOR int8x16_t splat_codes(const int8_t *q) {
    int32_t four;
    memcpy(&four, q, 4);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

/* Weight codes as signed bytes: those with offset 128 lose it here, others are below 128. */
FK_VECTOR int8x16_t signed_codes(uint32x4_t codes, int wide) {
    uint8x16_t bytes = vreinterpretq_u8_u32(codes);
    return vreinterpretq_s8_u8(wide ? veorq_u8(bytes, vdupq_n_u8(0x80)) : bytes);
}

#endif
