/* How the neon decoders turn codes into floats.
 *
 * Sixteen elements at a time: codes widen from bytes to integers to floats, then the
 * reference's multiplication and addition, unfused, so the bits agree. */
#ifndef FK_DEQUANTIZE_NEON_H
#define FK_DEQUANTIZE_NEON_H

#include <arm_neon.h>

#include "dequantize.h"
#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

#define FK_DECODE static inline __attribute__((always_inline, unused))

typedef struct {
    float32x4_t part[4];
} fk_sixteen;

FK_DECODE fk_sixteen fk_widen(int8x16_t codes) {
    int16x8_t low = vmovl_s8(vget_low_s8(codes)), high = vmovl_high_s8(codes);
    return (fk_sixteen){{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))),
                         vcvtq_f32_s32(vmovl_high_s16(low)),
                         vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                         vcvtq_f32_s32(vmovl_high_s16(high))}};
}

/* y[0..<16] = scale * codes, of sixteen signed bytes. */
FK_DECODE void fk_store_scaled_16(float *y, float scale, int8x16_t codes) {
    fk_sixteen value = fk_widen(codes);
    for (int i = 0; i < 4; i++) vst1q_f32(y + 4 * i, vmulq_n_f32(value.part[i], scale));
}

/* y[0..<16] = scale * codes + offset, of sixteen bytes below 128. */
FK_DECODE void fk_store_affine_16(float *y, float scale, float offset, uint8x16_t codes) {
    fk_sixteen value = fk_widen(vreinterpretq_s8_u8(codes));
    for (int i = 0; i < 4; i++)
        vst1q_f32(y + 4 * i, vaddq_f32(vmulq_n_f32(value.part[i], scale), vdupq_n_f32(offset)));
}

/* Codes less their offset. */
FK_DECODE int8x16_t fk_centred(uint8x16_t codes, int offset) {
    return vreinterpretq_s8_u8(vsubq_u8(codes, vdupq_n_u8((uint8_t)offset)));
}

FK_DECODE uint8x16_t fk_low_nibbles(uint8x16_t bytes) { return vandq_u8(bytes, vdupq_n_u8(15)); }

FK_DECODE uint8x16_t fk_high_nibbles(uint8x16_t bytes) { return vshrq_n_u8(bytes, 4); }

/* Bytes moved right, or left by a negative count. */
FK_DECODE uint8x16_t fk_moved(uint8x16_t bytes, int right) {
    return vshlq_u8(bytes, vdupq_n_s8((int8_t)-right));
}

/* The table entries that sixteen codes below 16 name. */
FK_DECODE int8x16_t fk_look_up(const int8_t *table, uint8x16_t codes) {
    return vqtbl1q_s8(vld1q_s8(table), codes);
}

/* `value` where `bit` of a byte of `high` is set, else 0. */
FK_DECODE uint8x16_t fk_value_of_bit(uint8x16_t high, int bit, int value) {
    uint8x16_t set = vtstq_u8(high, vdupq_n_u8((uint8_t)(1 << bit)));
    return vandq_u8(set, vdupq_n_u8((uint8_t)value));
}

#endif
