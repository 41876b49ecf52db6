#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx512_vectors.h"

/* 6 x 2 vectors of 32-bit sums and as many of floats leave 8 registers for two
 * weight vectors, the broadcast codes and constants. */
#define FK_TARGET FK_TARGET_AVX512VNNI
#define FK_SUFFIX avx512vnni
#define FK_FUSED_ROWS 8
#define FK_PAIR_SUMS 0
#define FK_TILES "packed_tiles.h"
#define FK_SIGNED_PANEL 0
#define FK_TILE_ROWS 6
#define FK_TILE_GROUPS 2
#define FK_SIGNED_WIDE 0

static inline FK_TARGET __attribute__((always_inline)) vec_i dot(vec_i acc, vec_i codes,
                                                                 const int8_t *q, int wide) {
    (void)wide;
    return _mm512_dpbusd_epi32(acc, codes, splat_codes(q));
}

static inline FK_TARGET __attribute__((always_inline)) vec_i start(const int16_t *sums, int low,
                                                                   int high) {
    int32_t pair;
    memcpy(&pair, sums, 4);
    return _mm512_dpwssd_epi32(_mm512_set1_epi32(FK_MAGIC_BITS), _mm512_set1_epi32(pair),
                               _mm512_set1_epi32((low & 0xffff) | (int)((unsigned)high << 16)));
}

#include "packed_template.h"

#endif
