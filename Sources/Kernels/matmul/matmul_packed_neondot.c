#include "matmul_packed.h"

#if defined(__aarch64__)

#include "neon_vectors.h"

/* Three rows of sums and as many of floats are 24 of the 32 registers. */
#define FK_TARGET FK_TARGET_NEONDOT
#define FK_SUFFIX neondot
#define FK_FUSED_ROWS 3
#define FK_PAIR_SUMS 0
#define FK_TILES "packed_tiles.h"
#define FK_SIGNED_PANEL 0
#define FK_TILE_ROWS 3
#define FK_TILE_GROUPS 1
#define FK_SIGNED_WIDE 1

static inline FK_TARGET __attribute__((always_inline)) vec_i dot(vec_i acc, vec_i codes,
                                                                 const int8_t *q, int wide) {
    const int8x16_t four = splat_codes(q);
    FK_FOUR(vec_i, vreinterpretq_u32_s32(vdotq_s32(vreinterpretq_s32_u32(acc.part[i]),
                                                   signed_codes(codes.part[i], wide), four)));
}

#include "packed_template.h"

#endif
