#include "matmul_float.h"

#if defined(__aarch64__)

#include "neon_vectors.h"

/* A vector of 16 is four of the 32 registers: tiles of six and what they need. */
#define FK_TARGET
#define FK_SUFFIX neon
#define FK_NT_FEW 1
#define FK_NT_MANY 3
#define FK_W_CACHE (384 << 10)
#define FK_OUTER_ROWS 6
#define FK_OUTER_VECTORS 1

FK_VECTOR vec_f load_weights(int type, const uint8_t *p) {
    if (type == FK_WEIGHTS_F32) return load_f((const float *)(const void *)p);
    if (type == FK_WEIGHTS_F16) return f16_lanes(p);
    FK_FOUR(vec_f, vreinterpretq_f32_u32(
                       vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p + 8 * i)), 16)));
}

FK_VECTOR vec_f load_weights_part(int type, const uint8_t *p, int count) {
    if (type == FK_WEIGHTS_F32) return load_part_f((const float *)(const void *)p, count);
    uint8_t bytes[32] = {0};
    memcpy(bytes, p, 2 * (size_t)count);
    return load_weights(type, bytes);
}

FK_VECTOR vec_f fma_part(vec_f a, vec_f b, vec_f c, int count) {
    const vec_f all = fma_f(a, b, c);
    const uint32x4_t first = {0, 1, 2, 3};
    FK_FOUR(vec_f, vbslq_f32(vcltq_u32(vaddq_u32(first, vdupq_n_u32(4 * (uint32_t)i)),
                                       vdupq_n_u32((uint32_t)count)),
                             all.part[i], c.part[i]));
}

/* Lanes j and j + 8, then j and j + 4 of each, then four sums at a time. */
FK_VECTOR float32x4_t fold(vec_f v) {
    return vaddq_f32(vaddq_f32(v.part[0], v.part[2]), vaddq_f32(v.part[1], v.part[3]));
}

FK_VECTOR float32x4_t fold_two(float32x4_t x, float32x4_t y) {
    return vaddq_f32(vcombine_f32(vget_low_f32(x), vget_low_f32(y)),
                     vcombine_f32(vget_high_f32(x), vget_high_f32(y)));
}

FK_VECTOR float32x4_t reduce_four(vec_f a, vec_f b, vec_f c, vec_f d) {
    return vpaddq_f32(fold_two(fold(a), fold(b)), fold_two(fold(c), fold(d)));
}

#define store_first(p, four) vst1q_lane_f32(p, four, 0)
#define store_low_pair(p, four) vst1_f32(p, vget_low_f32(four))
#define store_high_pair(p, four) vst1_f32(p, vget_high_f32(four))
#define store_four(p, four) vst1q_f32(p, four)
typedef float32x4_t four_f;

#include "float_template.h"
#include "outer_template.h"

#endif
