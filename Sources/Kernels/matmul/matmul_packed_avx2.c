#include "matmul_packed.h"

#if defined(__x86_64__)

#include "avx2_vectors.h"

/* 2 x 1 pairs of sums and as many of floats are 8 of the 16 registers. */
#define FK_TARGET FK_TARGET_AVX2
#define FK_SUFFIX avx2
#define FK_TILES "packed_tiles.h"
#define FK_SIGNED_PANEL 0
#define FK_TILE_ROWS 3
#define FK_TILE_GROUPS 1
#define FK_SIGNED_WIDE 1

/* VPMADDUBSW adds pairs of products in 16 bits with saturation. Codes below 64
 * cannot reach it: 2 * 63 * 127 = 16002. Wide codes are made signed and their sign
 * moves to the activation: 2 * 128 * 127 = 32512. */
static inline FK_TARGET __attribute__((always_inline)) __m256i dot_half(__m256i acc,
                                                                        __m256i codes,
                                                                        __m256i q, int wide) {
    if (wide) {
        __m256i w = _mm256_xor_si256(codes, _mm256_set1_epi8((char)0x80));
        codes = _mm256_abs_epi8(w);
        q = _mm256_sign_epi8(q, w);
    }
    __m256i pairs = _mm256_maddubs_epi16(codes, q);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline FK_TARGET __attribute__((always_inline)) vec_i dot(vec_i acc, vec_i codes,
                                                                 const int8_t *q, int wide) {
    vec_i four = splat_codes(q);
    return FK_PAIR_I(dot_half(acc.a, codes.a, four.a, wide),
                     dot_half(acc.b, codes.b, four.b, wide));
}

#include "packed_template.h"

#endif
