/* Sixteen elements a store; otherwise as dequantize_avx2.c. */
#include "dequantize.h"
#include "layouts.h"
#include "scalar.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

/* y[0..<16] = scale * codes, of sixteen signed bytes. */
FK_TARGET_AVX512
static inline void store_scaled_16(float *y, __m512 scale, __m128i codes) {
    _mm512_storeu_ps(y, _mm512_mul_ps(scale, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes))));
}

/* y[0..<16] = scale * codes + offset. */
FK_TARGET_AVX512
static inline void store_affine_16(float *y, __m512 scale, __m512 offset, __m128i codes) {
    __m512 value = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes));
    _mm512_storeu_ps(y, _mm512_add_ps(_mm512_mul_ps(scale, value), offset));
}

FK_TARGET_AVX512
static inline __m128i low_nibbles(__m128i bytes) {
    return _mm_and_si128(bytes, _mm_set1_epi8(15));
}

FK_TARGET_AVX512
static inline __m128i high_nibbles(__m128i bytes) { return low_nibbles(_mm_srli_epi16(bytes, 4)); }

FK_TARGET_AVX512
static inline __m128i load_16(const void *from) { return _mm_loadu_si128(from); }

FK_TARGET_AVX512
static inline float load_half(const uint8_t *from) { return _cvtsh_ss(fk_load_u16(from)); }

FK_TARGET_AVX512
void fk_dequantize_q8_0_avx512(float *y, const void *x, int64_t elements) {
    const fk_block_q8_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m512 d = _mm512_set1_ps(load_half(block->d));
        store_scaled_16(y, d, load_16(block->q));
        store_scaled_16(y + 16, d, load_16(block->q + 16));
    }
}

FK_TARGET_AVX512
void fk_dequantize_q4_0_avx512(float *y, const void *x, int64_t elements) {
    const fk_block_q4_0 *block = x;
    const __m128i eight = _mm_set1_epi8(8);
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m512 d = _mm512_set1_ps(load_half(block->d));
        __m128i q = load_16(block->q);
        store_scaled_16(y, d, _mm_sub_epi8(low_nibbles(q), eight));
        store_scaled_16(y + 16, d, _mm_sub_epi8(high_nibbles(q), eight));
    }
}

FK_TARGET_AVX512
void fk_dequantize_q4_1_avx512(float *y, const void *x, int64_t elements) {
    const fk_block_q4_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m512 d = _mm512_set1_ps(load_half(block->d)), m = _mm512_set1_ps(load_half(block->m));
        __m128i q = load_16(block->q);
        store_affine_16(y, d, m, low_nibbles(q));
        store_affine_16(y + 16, d, m, high_nibbles(q));
    }
}

/* Scale and negated minimum of a group; a - b and a + (-b) are the same bits. */
FK_TARGET_AVX512
static inline void group_k(const uint8_t *scales, int group, float d, float dmin, __m512 *scale,
                           __m512 *offset) {
    int sc, mn;
    fk_scale_min_k(scales, group, &sc, &mn);
    *scale = _mm512_set1_ps(d * (float)sc);
    *offset = _mm512_set1_ps(-(dmin * (float)mn));
}

FK_TARGET_AVX512
void fk_dequantize_q4_k_avx512(float *y, const void *x, int64_t elements) {
    const fk_block_q4_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = load_half(block->d), dmin = load_half(block->dmin);
        for (int pair = 0; pair < 4; pair++, y += 64) {
            __m512 scale, offset;
            __m128i q0 = load_16(block->q + 32 * pair), q1 = load_16(block->q + 32 * pair + 16);
            group_k(block->scales, 2 * pair, d, dmin, &scale, &offset);
            store_affine_16(y, scale, offset, low_nibbles(q0));
            store_affine_16(y + 16, scale, offset, low_nibbles(q1));
            group_k(block->scales, 2 * pair + 1, d, dmin, &scale, &offset);
            store_affine_16(y + 32, scale, offset, high_nibbles(q0));
            store_affine_16(y + 48, scale, offset, high_nibbles(q1));
        }
    }
}

/* 16 where bit `group` of a byte is set, else 0. */
FK_TARGET_AVX512
static inline __m128i fifth_bits(__m128i high, int group) {
    __mmask16 set = _mm_test_epi8_mask(high, _mm_set1_epi8((char)(1 << group)));
    return _mm_maskz_mov_epi8(set, _mm_set1_epi8(16));
}

FK_TARGET_AVX512
void fk_dequantize_q5_k_avx512(float *y, const void *x, int64_t elements) {
    const fk_block_q5_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = load_half(block->d), dmin = load_half(block->dmin);
        __m128i h0 = load_16(block->high), h1 = load_16(block->high + 16);
        for (int pair = 0; pair < 4; pair++, y += 64) {
            __m512 scale, offset;
            __m128i q0 = load_16(block->q + 32 * pair), q1 = load_16(block->q + 32 * pair + 16);
            int group = 2 * pair;
            group_k(block->scales, group, d, dmin, &scale, &offset);
            store_affine_16(y, scale, offset,
                            _mm_or_si128(low_nibbles(q0), fifth_bits(h0, group)));
            store_affine_16(y + 16, scale, offset,
                            _mm_or_si128(low_nibbles(q1), fifth_bits(h1, group)));
            group_k(block->scales, group + 1, d, dmin, &scale, &offset);
            store_affine_16(y + 32, scale, offset,
                            _mm_or_si128(high_nibbles(q0), fifth_bits(h0, group + 1)));
            store_affine_16(y + 48, scale, offset,
                            _mm_or_si128(high_nibbles(q1), fifth_bits(h1, group + 1)));
        }
    }
}

/* Bits 2 k and 2 k + 1 of each byte, at bits 4 and 5. */
FK_TARGET_AVX512
static inline __m128i bit_pairs(__m128i high, int k) {
    __m128i shifted = k < 2 ? _mm_slli_epi16(high, 4 - 2 * k) : _mm_srli_epi16(high, 2 * k - 4);
    return _mm_and_si128(shifted, _mm_set1_epi8(0x30));
}

FK_TARGET_AVX512
void fk_dequantize_q6_k_avx512(float *y, const void *x, int64_t elements) {
    const fk_block_q6_k *block = x;
    const __m128i offset = _mm_set1_epi8(32);
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = load_half(block->d);
        for (int half = 0; half < 2; half++, y += 128) {
            const uint8_t *low = block->low + 64 * half, *high = block->high + 32 * half;
            const int8_t *scales = block->scales + 8 * half;
            for (int part = 0; part < 2; part++) { /* elements 16 part + 32 k, k in 0..<4 */
                __m128i a = load_16(low + 16 * part), c = load_16(low + 32 + 16 * part);
                __m128i h = load_16(high + 16 * part);
                __m128i q[4] = {_mm_or_si128(low_nibbles(a), bit_pairs(h, 0)),
                                _mm_or_si128(low_nibbles(c), bit_pairs(h, 1)),
                                _mm_or_si128(high_nibbles(a), bit_pairs(h, 2)),
                                _mm_or_si128(high_nibbles(c), bit_pairs(h, 3))};
                for (int k = 0; k < 4; k++) {
                    __m512 scale = _mm512_set1_ps(d * (float)scales[2 * k + part]);
                    store_scaled_16(y + 32 * k + 16 * part, scale, _mm_sub_epi8(q[k], offset));
                }
            }
        }
    }
}

#endif
