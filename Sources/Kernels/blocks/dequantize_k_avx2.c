#if defined(__x86_64__)
#include "dequantize_avx2.h"

/* Bits `shift` and `shift` + 1 of each byte. */
FK_TARGET_AVX2
static inline __m128i two_bits(__m128i q, int shift) {
    return _mm_and_si128(_mm_srl_epi16(q, _mm_cvtsi32_si128(shift)), _mm_set1_epi8(3));
}

FK_TARGET_AVX2
void fk_dequantize_q2_k_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q2_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_half(block->d), dmin = fk_load_half(block->dmin);
        for (int group = 0; group < 16; group++, y += 16) {
            __m128i q = fk_load_16(block->q + group / 8 * 32 + group % 2 * 16);
            int scales = block->scales[group];
            __m256 scale = _mm256_set1_ps(d * (float)(scales & 15));
            __m256 offset = _mm256_set1_ps(-(dmin * (float)(scales >> 4)));
            fk_store_affine_16(y, scale, offset, two_bits(q, group % 8 / 2 * 2));
        }
    }
}

FK_TARGET_AVX2
void fk_dequantize_q3_k_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q3_k *block = x;
    const __m128i four = _mm_set1_epi8(4);
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_half(block->d);
        __m128i high[2] = {fk_load_16(block->high), fk_load_16(block->high + 16)};
        for (int group = 0; group < 16; group++, y += 16) {
            __m128i q = fk_load_16(block->q + group / 8 * 32 + group % 2 * 16);
            __m128i code = _mm_or_si128(two_bits(q, group % 8 / 2 * 2),
                                        fk_value_of_bit(high[group % 2], group / 2, 4));
            __m256 scale = _mm256_set1_ps(d * (float)fk_scale_q3_k(block->scales, group));
            fk_store_scaled_16(y, scale, _mm_sub_epi8(code, four));
        }
    }
}

/* Scale and negated minimum of a group; a - b and a + (-b) are the same bits. */
FK_TARGET_AVX2
static inline void group_k(const uint8_t *scales, int group, float d, float dmin, __m256 *scale,
                           __m256 *offset) {
    int sc, mn;
    fk_scale_min_k(scales, group, &sc, &mn);
    *scale = _mm256_set1_ps(d * (float)sc);
    *offset = _mm256_set1_ps(-(dmin * (float)mn));
}

FK_TARGET_AVX2
void fk_dequantize_q4_k_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q4_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_half(block->d), dmin = fk_load_half(block->dmin);
        for (int pair = 0; pair < 4; pair++, y += 64) {
            __m256 scale, offset;
            const uint8_t *q = block->q + 32 * pair;
            __m128i q0 = fk_load_16(q), q1 = fk_load_16(q + 16);
            group_k(block->scales, 2 * pair, d, dmin, &scale, &offset);
            fk_store_affine_16(y, scale, offset, fk_low_nibbles(q0));
            fk_store_affine_16(y + 16, scale, offset, fk_low_nibbles(q1));
            group_k(block->scales, 2 * pair + 1, d, dmin, &scale, &offset);
            fk_store_affine_16(y + 32, scale, offset, fk_high_nibbles(q0));
            fk_store_affine_16(y + 48, scale, offset, fk_high_nibbles(q1));
        }
    }
}

FK_TARGET_AVX2
void fk_dequantize_q5_k_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q5_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_half(block->d), dmin = fk_load_half(block->dmin);
        __m128i h0 = fk_load_16(block->high), h1 = fk_load_16(block->high + 16);
        for (int pair = 0; pair < 4; pair++, y += 64) {
            __m256 scale, offset;
            const uint8_t *q = block->q + 32 * pair;
            __m128i q0 = fk_load_16(q), q1 = fk_load_16(q + 16);
            int group = 2 * pair;
            group_k(block->scales, group, d, dmin, &scale, &offset);
            fk_store_affine_16(y, scale, offset,
                            _mm_or_si128(fk_low_nibbles(q0), fk_value_of_bit(h0, group, 16)));
            fk_store_affine_16(y + 16, scale, offset,
                            _mm_or_si128(fk_low_nibbles(q1), fk_value_of_bit(h1, group, 16)));
            group_k(block->scales, group + 1, d, dmin, &scale, &offset);
            fk_store_affine_16(y + 32, scale, offset,
                            _mm_or_si128(fk_high_nibbles(q0), fk_value_of_bit(h0, group + 1, 16)));
            fk_store_affine_16(y + 48, scale, offset,
                            _mm_or_si128(fk_high_nibbles(q1), fk_value_of_bit(h1, group + 1, 16)));
        }
    }
}

/* Bits 2 k and 2 k + 1 of each byte, at bits 4 and 5. */
FK_TARGET_AVX2
static inline __m128i bit_pairs(__m128i high, int k) {
    __m128i shifted = k < 2 ? _mm_slli_epi16(high, 4 - 2 * k) : _mm_srli_epi16(high, 2 * k - 4);
    return _mm_and_si128(shifted, _mm_set1_epi8(0x30));
}

FK_TARGET_AVX2
void fk_dequantize_q6_k_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q6_k *block = x;
    const __m128i offset = _mm_set1_epi8(32);
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_half(block->d);
        for (int half = 0; half < 2; half++, y += 128) {
            const uint8_t *low = block->low + 64 * half, *high = block->high + 32 * half;
            const int8_t *scales = block->scales + 8 * half;
            for (int part = 0; part < 2; part++) { /* elements 16 part + 32 k, k in 0..<4 */
                __m128i a = fk_load_16(low + 16 * part), c = fk_load_16(low + 32 + 16 * part);
                __m128i h = fk_load_16(high + 16 * part);
                __m128i q[4] = {_mm_or_si128(fk_low_nibbles(a), bit_pairs(h, 0)),
                                _mm_or_si128(fk_low_nibbles(c), bit_pairs(h, 1)),
                                _mm_or_si128(fk_high_nibbles(a), bit_pairs(h, 2)),
                                _mm_or_si128(fk_high_nibbles(c), bit_pairs(h, 3))};
                for (int k = 0; k < 4; k++) {
                    __m256 scale = _mm256_set1_ps(d * (float)scales[2 * k + part]);
                    fk_store_scaled_16(y + 32 * k + 16 * part, scale, _mm_sub_epi8(q[k], offset));
                }
            }
        }
    }
}

FK_TARGET_AVX2
void fk_dequantize_iq4_xs_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_iq4_xs *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_half(block->d);
        int high = fk_load_u16(block->high);
        for (int group = 0; group < 8; group++, y += 32) {
            int low = block->low[group / 2] >> group % 2 * 4 & 15;
            int sc = (low | (high >> 2 * group & 3) << 4) - 32;
            __m256 scale = _mm256_set1_ps(d * (float)sc);
            __m128i q = fk_load_16(block->q + 16 * group);
            fk_store_scaled_16(y, scale, fk_look_up(fk_values_iq4, fk_low_nibbles(q)));
            fk_store_scaled_16(y + 16, scale, fk_look_up(fk_values_iq4, fk_high_nibbles(q)));
        }
    }
}

#endif
