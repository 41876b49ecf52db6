#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx2_vectors.h"

/* 3 pairs of sums and as many of floats are 12 of the 16 registers. */
#define FK_TARGET FK_TARGET_AVX2
#define FK_SUFFIX avx2
#define FK_FUSED_ROWS 3
#define FK_PAIR_SUMS 1
#define FK_TILES "packed_tiles.h"
#define FK_SIGNED_PANEL 0
#define FK_TILE_ROWS 3
#define FK_TILE_GROUPS 1
#define FK_SIGNED_WIDE 1

/* VPMADDUBSW adds pairs of products in 16 bits with saturation. Codes below 64
 * cannot reach it: 2 * 63 * 127 = 16002. Wide codes are made signed and their sign
 * moves to the activation: 2 * 128 * 127 = 32512. */
static inline FK_TARGET __attribute__((always_inline)) __m256i half_pairs(__m256i codes,
                                                                          __m256i q, int wide) {
    if (wide) {
        __m256i w = _mm256_xor_si256(codes, _mm256_set1_epi8((char)0x80));
        codes = _mm256_abs_epi8(w);
        q = _mm256_sign_epi8(q, w);
    }
    return _mm256_maddubs_epi16(codes, q);
}

static inline FK_TARGET __attribute__((always_inline)) vec_i dot_pairs(vec_i codes,
                                                                       const int8_t *q,
                                                                       int wide) {
    vec_i four = splat_codes(q);
    return FK_PAIR_I(half_pairs(codes.a, four.a, wide), half_pairs(codes.b, four.b, wide));
}

static inline FK_TARGET __attribute__((always_inline)) vec_i add_pairs(vec_i x, vec_i y) {
    return FK_PAIR_I(_mm256_add_epi16(x.a, y.a), _mm256_add_epi16(x.b, y.b));
}

static inline FK_TARGET __attribute__((always_inline)) vec_i fold_pairs(vec_i acc, vec_i x) {
    __m256i ones = _mm256_set1_epi16(1);
    return add_i(acc, FK_PAIR_I(_mm256_madd_epi16(x.a, ones), _mm256_madd_epi16(x.b, ones)));
}

static inline FK_TARGET __attribute__((always_inline)) vec_i dot(vec_i acc, vec_i codes,
                                                                 const int8_t *q, int wide) {
    return fold_pairs(acc, dot_pairs(codes, q, wide));
}

#include "packed_template.h"

#endif
