#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx512_vectors.h"

#define FK_TARGET FK_TARGET_AVX512
#define FK_SUFFIX avx512
#define FK_FUSED_ROWS 8
#define FK_PAIR_SUMS 1
#define FK_TILES "packed_tiles.h"
#define FK_SIGNED_PANEL 0
#define FK_TILE_ROWS 6
#define FK_TILE_GROUPS 2
#define FK_SIGNED_WIDE 1

/* VPMADDUBSW adds pairs of products in 16 bits with saturation. Codes below 64
 * cannot reach it: 2 * 63 * 127 = 16002. Wide codes are made signed and their sign
 * moves to the activation: 2 * 128 * 127 = 32512. */
static inline FK_TARGET __attribute__((always_inline)) vec_i dot_pairs(vec_i codes,
                                                                       const int8_t *q,
                                                                       int wide) {
    vec_i four = splat_codes(q);
    if (wide) {
        vec_i w = _mm512_xor_si512(codes, _mm512_set1_epi8((char)0x80));
        codes = _mm512_abs_epi8(w);
        four = _mm512_mask_sub_epi8(four, _mm512_movepi8_mask(w), _mm512_setzero_si512(), four);
    }
    return _mm512_maddubs_epi16(codes, four);
}

static inline FK_TARGET __attribute__((always_inline)) vec_i add_pairs(vec_i x, vec_i y) {
    return _mm512_add_epi16(x, y);
}

static inline FK_TARGET __attribute__((always_inline)) vec_i fold_pairs(vec_i acc, vec_i x) {
    return add_i(acc, _mm512_madd_epi16(x, _mm512_set1_epi16(1)));
}

static inline FK_TARGET __attribute__((always_inline)) vec_i dot(vec_i acc, vec_i codes,
                                                                 const int8_t *q, int wide) {
    return fold_pairs(acc, dot_pairs(codes, q, wide));
}

/* magic + low * sums[0] + high * sums[1] */
static inline FK_TARGET __attribute__((always_inline)) vec_i start(const int16_t *sums, int low,
                                                                   int high) {
    return splat_i(FK_MAGIC_BITS + low * sums[0] + high * sums[1]);
}

#include "packed_template.h"

#endif
