#include "activations.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <math.h>

/* One block: eight vectors of 4. The largest magnitude is taken as an integer,
 * which orders NaN above infinity above every number. */
static void quantize_block(int8_t *codes, float *scale, int16_t *sums, const float *x) {
    const uint32x4_t mask = vdupq_n_u32(0x7fffffff);
    float32x4_t v[8];
    uint32x4_t magnitudes = vdupq_n_u32(0);
    FK_UNROLL
    for (int i = 0; i < 8; i++) {
        v[i] = vld1q_f32(x + 4 * i);
        magnitudes = vmaxq_u32(magnitudes, vandq_u32(vreinterpretq_u32_f32(v[i]), mask));
    }
    uint32_t largest = vmaxvq_u32(magnitudes);
    float maximum = vget_lane_f32(vreinterpret_f32_u32(vdup_n_u32(largest)), 0);
    if (largest >= 0x7f800000 || maximum < FK_ACTIVATION_FLOOR) {
        *scale = largest >= 0x7f800000 ? NAN : 0;
        vst1q_s8(codes, vdupq_n_s8(0));
        vst1q_s8(codes + 16, vdupq_n_s8(0));
        sums[0] = sums[1] = 0;
        return;
    }
    *scale = maximum / 127.0f;
    float inverse = 127.0f / maximum;
    FK_UNROLL
    for (int half = 0; half < 2; half++) {
        int32x4_t q[4];
        FK_UNROLL
        for (int i = 0; i < 4; i++)
            q[i] = vcvtnq_s32_f32(vmulq_n_f32(v[4 * half + i], inverse));
        int16x8_t low = vcombine_s16(vmovn_s32(q[0]), vmovn_s32(q[1]));
        int16x8_t high = vcombine_s16(vmovn_s32(q[2]), vmovn_s32(q[3]));
        vst1q_s8(codes + 16 * half, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
        sums[half] = vaddvq_s16(vaddq_s16(low, high));
    }
}

void fk_quantize_activations_neon(const fk_activations *x, const float *source, size_t ldx,
                                  int64_t row_begin, int64_t row_end) {
    for (int64_t t = row_begin; t < row_end; t++)
        for (int64_t b = 0; b < x->k / 32; b++)
            quantize_block(x->codes + t * x->stride + 32 * b, x->scales + t * (x->k / 32) + b,
                           x->sums + t * (x->k / 16) + 2 * b,
                           source + (size_t)t * ldx + 32 * b);
}

#endif
