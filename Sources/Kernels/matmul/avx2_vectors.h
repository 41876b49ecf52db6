/* The vector operations packed_template.h and float_template.h ask for, in AVX2,
 * FMA and F16C: 16 lanes are a pair of registers. */
#ifndef FK_AVX2_VECTORS_H
#define FK_AVX2_VECTORS_H

#include <immintrin.h>

#include "packed_layout.h"
#include "../levels/dispatch.h"

typedef struct { __m256i a, b; } vec_i;
typedef struct { __m256 a, b; } vec_f;

#define FK_VECTOR static inline FK_TARGET_AVX2 __attribute__((always_inline, unused))

#define FK_PAIR_I(x, y) ((vec_i){(x), (y)})
#define FK_PAIR_F(x, y) ((vec_f){(x), (y)})

FK_VECTOR __m256i half_i(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

FK_VECTOR vec_i load_i(const void *p) {
    return FK_PAIR_I(half_i(p), half_i((const uint8_t *)p + 32));
}

FK_VECTOR void store_i(void *p, vec_i v) {
    _mm256_storeu_si256((__m256i *)p, v.a);
    _mm256_storeu_si256((__m256i *)(void *)((uint8_t *)p + 32), v.b);
}

FK_VECTOR vec_f load_f(const float *p) {
    return FK_PAIR_F(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}

FK_VECTOR void store_f(float *p, vec_f v) {
    _mm256_storeu_ps(p, v.a);
    _mm256_storeu_ps(p + 8, v.b);
}

/* All ones in the first `count` of 8 lanes. */
FK_VECTOR __m256i first_lanes(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

FK_VECTOR vec_f load_part_f(const float *p, int count) {
    if (count >= 16) return load_f(p);
    if (count <= 8)
        return FK_PAIR_F(_mm256_maskload_ps(p, first_lanes(count)), _mm256_setzero_ps());
    return FK_PAIR_F(_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, first_lanes(count - 8)));
}

FK_VECTOR void store_part_f(float *p, vec_f v, int count) {
    if (count >= 16) {
        store_f(p, v);
    } else if (count <= 8) {
        _mm256_maskstore_ps(p, first_lanes(count), v.a);
    } else {
        _mm256_storeu_ps(p, v.a);
        _mm256_maskstore_ps(p + 8, first_lanes(count - 8), v.b);
    }
}

FK_VECTOR vec_f zero_f(void) { return FK_PAIR_F(_mm256_setzero_ps(), _mm256_setzero_ps()); }

FK_VECTOR vec_i splat_i(int32_t x) {
    return FK_PAIR_I(_mm256_set1_epi32(x), _mm256_set1_epi32(x));
}

FK_VECTOR vec_f splat_f(float x) { return FK_PAIR_F(_mm256_set1_ps(x), _mm256_set1_ps(x)); }

FK_VECTOR vec_f add_f(vec_f x, vec_f y) {
    return FK_PAIR_F(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b));
}

FK_VECTOR vec_f mul_f(vec_f x, vec_f y) {
    return FK_PAIR_F(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b));
}

FK_VECTOR vec_f fma_f(vec_f x, vec_f y, vec_f z) {
    return FK_PAIR_F(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}

FK_VECTOR vec_f as_f(vec_i v) {
    return FK_PAIR_F(_mm256_castsi256_ps(v.a), _mm256_castsi256_ps(v.b));
}

FK_VECTOR vec_i add_i(vec_i x, vec_i y) {
    return FK_PAIR_I(_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b));
}

FK_VECTOR vec_i sub_bytes(vec_i x, vec_i y) {
    return FK_PAIR_I(_mm256_sub_epi8(x.a, y.a), _mm256_sub_epi8(x.b, y.b));
}

FK_VECTOR vec_i and_i(vec_i x, vec_i y) {
    return FK_PAIR_I(_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b));
}

FK_VECTOR vec_i left_i(vec_i v, int bits) {
    return FK_PAIR_I(_mm256_slli_epi16(v.a, bits), _mm256_slli_epi16(v.b, bits));
}

FK_VECTOR vec_i right_i(vec_i v, int bits) {
    return FK_PAIR_I(_mm256_srli_epi16(v.a, bits), _mm256_srli_epi16(v.b, bits));
}

/* (x & mask) | y */
FK_VECTOR vec_i select_bits(vec_i x, vec_i y, vec_i mask) {
    return FK_PAIR_I(_mm256_or_si256(_mm256_and_si256(x.a, mask.a), y.a),
                     _mm256_or_si256(_mm256_and_si256(x.b, mask.b), y.b));
}

FK_VECTOR __m128i load_16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

FK_VECTOR vec_i look_up(fk_packed_format f, vec_i codes) {
    uint8_t table[16];
    for (int i = 0; i < 16; i++) table[i] = fk_packed_value(f, i);
    __m256i values = _mm256_broadcastsi128_si256(load_16(table));
    return FK_PAIR_I(_mm256_shuffle_epi8(values, codes.a),
                     _mm256_shuffle_epi8(values, codes.b));
}

FK_VECTOR vec_f int_to_f(vec_i v) {
    return FK_PAIR_F(_mm256_cvtepi32_ps(v.a), _mm256_cvtepi32_ps(v.b));
}

FK_VECTOR vec_f f16_lanes(const uint8_t *p) {
    return FK_PAIR_F(_mm256_cvtph_ps(load_16(p)), _mm256_cvtph_ps(load_16(p + 16)));
}

FK_VECTOR vec_i u8_to_int(__m128i bytes) {
    return FK_PAIR_I(_mm256_cvtepu8_epi32(bytes),
                     _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
}

FK_VECTOR vec_f u8_lanes(const uint8_t *p) { return int_to_f(u8_to_int(load_16(p))); }

FK_VECTOR vec_f i8_lanes(const uint8_t *p) {
    __m128i bytes = load_16(p);
    return int_to_f(FK_PAIR_I(_mm256_cvtepi8_epi32(bytes),
                              _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))));
}

FK_VECTOR vec_f low4_lanes(const uint8_t *p) {
    return int_to_f(u8_to_int(_mm_and_si128(load_16(p), _mm_set1_epi8(15))));
}

FK_VECTOR vec_f high4_lanes(const uint8_t *p) {
    return int_to_f(
        u8_to_int(_mm_and_si128(_mm_srli_epi16(load_16(p), 4), _mm_set1_epi8(15))));
}

/* 2^(e - 128): the exponent field is e - 1, but 2^-128 and 2^-127 are subnormal. */
FK_VECTOR __m256 e8m0_half(__m256i e) {
    __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
    __m256i small = _mm256_sllv_epi32(_mm256_set1_epi32(0x200000), e);
    __m256i is_small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(normal, small, is_small));
}

FK_VECTOR vec_f e8m0_lanes(const uint8_t *p) {
    vec_i e = u8_to_int(load_16(p));
    return FK_PAIR_F(e8m0_half(e.a), e8m0_half(e.b));
}

/* Sums of 32 elements from those of 16: pairs of 16-bit numbers times `factor`. */
FK_VECTOR vec_i scaled_blocks(const int16_t *sums, int factor) {
    __m256i pair = _mm256_set1_epi16((short)factor);
    return FK_PAIR_I(_mm256_madd_epi16(half_i(sums), pair),
                     _mm256_madd_epi16(half_i(sums + 16), pair));
}

/* Each of 16 sums times `factor`. */
FK_VECTOR vec_i scaled_halves(const int16_t *sums, int factor) {
    __m256i times = _mm256_set1_epi32(factor);
    return FK_PAIR_I(_mm256_mullo_epi32(_mm256_cvtepi16_epi32(load_16(sums)), times),
                     _mm256_mullo_epi32(_mm256_cvtepi16_epi32(load_16(sums + 8)), times));
}

FK_VECTOR void start_blocks(int32_t *out, const int16_t *sums, int factor, int constant) {
    store_i(out, add_i(scaled_blocks(sums, factor), splat_i(constant)));
}

FK_VECTOR void start_halves(int32_t *out, const int16_t *sums, int factor, int constant) {
    for (int i = 0; i < 32; i += 16)
        store_i(out + i, add_i(scaled_halves(sums + i, factor), splat_i(constant)));
}

FK_VECTOR void sum_blocks(float *out, const int16_t *sums) {
    store_f(out, int_to_f(scaled_blocks(sums, 1)));
}

FK_VECTOR void sum_halves(float *out, const int16_t *sums) {
    for (int i = 0; i < 32; i += 16) store_f(out + i, int_to_f(scaled_halves(sums + i, 1)));
}

/* magic + low * sums[0] + high * sums[1] */
FK_VECTOR vec_i start(const int16_t *sums, int low, int high) {
    return splat_i(FK_MAGIC_BITS + low * sums[0] + high * sums[1]);
}

FK_VECTOR vec_i splat_codes(const int8_t *q) {
    int32_t four;
    memcpy(&four, q, 4);
    return splat_i(four);
}

#endif
