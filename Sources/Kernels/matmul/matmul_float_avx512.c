#include "matmul_float.h"

#if defined(__x86_64__)

#include "avx512_vectors.h"
#include "four_sse.h"

#define FK_TARGET FK_TARGET_AVX512
#define FK_SUFFIX avx512
#define FK_NT_FEW 6
#define FK_NT_MANY 12
#define FK_W_CACHE (1200 << 10)
#define FK_OUTER_ROWS 8
#define FK_OUTER_VECTORS 3

FK_VECTOR vec_f widen(int type, __m256i w) {
    if (type == FK_WEIGHTS_F16) return _mm512_cvtph_ps(w);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(w), 16));
}

FK_VECTOR vec_f load_weights(int type, const uint8_t *p) {
    if (type == FK_WEIGHTS_F32) return _mm512_loadu_ps(p);
    return widen(type, _mm256_loadu_si256((const __m256i *)(const void *)p));
}

FK_VECTOR vec_f load_weights_part(int type, const uint8_t *p, int count) {
    __mmask16 mask = (__mmask16)((1u << count) - 1);
    if (type == FK_WEIGHTS_F32) return _mm512_maskz_loadu_ps(mask, p);
    return widen(type, _mm256_maskz_loadu_epi16(mask, p));
}

FK_VECTOR vec_f fma_part(vec_f a, vec_f b, vec_f c, int count) {
    return _mm512_mask3_fmadd_ps(a, b, c, (__mmask16)((1u << count) - 1));
}

/* Halves of two vectors side by side, then quarters of four, then within the
 * quarters; the quarters begin with a's, b's, c's and d's sum at last. */
FK_VECTOR __m128 reduce_four(vec_f a, vec_f b, vec_f c, vec_f d) {
    vec_f ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    vec_f cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    vec_f v = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88),
                            _mm512_shuffle_f32x4(ab, cd, 0xdd));
    v = _mm512_add_ps(v, _mm512_permute_ps(v, 0x4e));
    v = _mm512_add_ps(v, _mm512_permute_ps(v, 0xb1));
    return _mm512_castps512_ps128(_mm512_permutexvar_ps(
        _mm512_setr_epi32(0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), v));
}

#include "float_template.h"
#include "outer_template.h"

#endif
