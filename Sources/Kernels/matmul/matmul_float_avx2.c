#include "matmul_float.h"

#if defined(__x86_64__)

#include "avx2_vectors.h"
#include "four_sse.h"

/* A vector of 16 is two registers here: tiles of 12 and what they need fill the 16. */
#define FK_TARGET FK_TARGET_AVX2
#define FK_SUFFIX avx2
#define FK_NT_FEW 1
#define FK_NT_MANY 3
#define FK_W_CACHE (384 << 10)
#define FK_OUTER_ROWS 6
#define FK_OUTER_VECTORS 1

FK_VECTOR __m256 widen(int type, __m128i w) {
    if (type == FK_WEIGHTS_F16) return _mm256_cvtph_ps(w);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(w), 16));
}

FK_VECTOR vec_f load_weights(int type, const uint8_t *p) {
    if (type == FK_WEIGHTS_F32)
        return load_f((const float *)(const void *)p);
    return FK_PAIR_F(widen(type, load_16(p)), widen(type, load_16(p + 16)));
}

FK_VECTOR vec_f load_weights_part(int type, const uint8_t *p, int count) {
    if (type == FK_WEIGHTS_F32) return load_part_f((const float *)(const void *)p, count);
    uint8_t bytes[32] = {0};
    memcpy(bytes, p, 2 * (size_t)count);
    return load_weights(type, bytes);
}

FK_VECTOR vec_f fma_part(vec_f a, vec_f b, vec_f c, int count) {
    vec_f all = fma_f(a, b, c);
    return FK_PAIR_F(
        _mm256_blendv_ps(c.a, all.a, _mm256_castsi256_ps(first_lanes(count))),
        _mm256_blendv_ps(c.b, all.b, _mm256_castsi256_ps(first_lanes(count - 8))));
}

/* Lanes j and j + 8, then j and j + 4 of each, then four sums at a time. */
FK_VECTOR __m128 fold(vec_f v) {
    __m256 eight = _mm256_add_ps(v.a, v.b);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

FK_VECTOR __m128 reduce_four(vec_f a, vec_f b, vec_f c, vec_f d) {
    __m128 x = fold(a), y = fold(b), z = fold(c), w = fold(d);
    __m128 xy = _mm_add_ps(_mm_movelh_ps(x, y), _mm_movehl_ps(y, x));
    __m128 zw = _mm_add_ps(_mm_movelh_ps(z, w), _mm_movehl_ps(w, z));
    return _mm_add_ps(_mm_shuffle_ps(xy, zw, 0x88), _mm_shuffle_ps(xy, zw, 0xdd));
}

#include "float_template.h"
#include "outer_template.h"

#endif
