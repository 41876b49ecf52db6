#include "matmul_packed.h"

#if defined(__aarch64__)

#include "neon_vectors.h"

/* Three rows of sums and as many of floats are 24 of the 32 registers. */
#define FK_TARGET
#define FK_SUFFIX neon
#define FK_FUSED_ROWS 3
#define FK_PAIR_SUMS 0
#define FK_TILES "packed_tiles.h"
#define FK_SIGNED_PANEL 0
#define FK_TILE_ROWS 3
#define FK_TILE_GROUPS 1
#define FK_SIGNED_WIDE 1

/* Products of 16 bits; a pair of them still fits: 2 * 128 * 127 = 32512. */
FK_VECTOR vec_i dot(vec_i acc, vec_i codes, const int8_t *q, int wide) {
    const int8x16_t four = splat_codes(q);
    vec_i y;
    FK_UNROLL
    for (int i = 0; i < 4; i++) {
        int8x16_t w = signed_codes(codes.part[i], wide);
        int16x8_t low = vmull_s8(vget_low_s8(w), vget_low_s8(four));
        int16x8_t high = vmull_high_s8(w, four);
        y.part[i] = vreinterpretq_u32_s32(
            vpadalq_s16(vreinterpretq_s32_u32(acc.part[i]), vpaddq_s16(low, high)));
    }
    return y;
}

#include "packed_template.h"

#endif
