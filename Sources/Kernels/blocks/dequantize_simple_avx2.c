#if defined(__x86_64__)
#include "dequantize_avx2.h"

FK_TARGET_AVX2
void fk_dequantize_q8_0_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q8_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m256 d = _mm256_set1_ps(fk_load_half(block->d));
        fk_store_scaled_16(y, d, fk_load_16(block->q));
        fk_store_scaled_16(y + 16, d, fk_load_16(block->q + 16));
    }
}

FK_TARGET_AVX2
void fk_dequantize_q4_0_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q4_0 *block = x;
    const __m128i eight = _mm_set1_epi8(8);
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m256 d = _mm256_set1_ps(fk_load_half(block->d));
        __m128i q = fk_load_16(block->q);
        fk_store_scaled_16(y, d, _mm_sub_epi8(fk_low_nibbles(q), eight));
        fk_store_scaled_16(y + 16, d, _mm_sub_epi8(fk_high_nibbles(q), eight));
    }
}

FK_TARGET_AVX2
void fk_dequantize_q4_1_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q4_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m256 d = _mm256_set1_ps(fk_load_half(block->d));
        __m256 m = _mm256_set1_ps(fk_load_half(block->m));
        __m128i q = fk_load_16(block->q);
        fk_store_affine_16(y, d, m, fk_low_nibbles(q));
        fk_store_affine_16(y + 16, d, m, fk_high_nibbles(q));
    }
}

/* Bits 16 half to 16 half + 15 of the word, each as 16 or 0 in a byte. */
FK_TARGET_AVX2
static inline __m128i fifth_bits(const uint8_t *high, int half) {
    __m128i word = _mm_set1_epi16((short)fk_load_u16(high + 2 * half));
    __m128i spread = _mm_shuffle_epi8(word, _mm_set_epi64x(0x0101010101010101, 0));
    __m128i bit = _mm_set1_epi64x((long long)0x8040201008040201);
    __m128i set = _mm_cmpeq_epi8(_mm_and_si128(spread, bit), bit);
    return _mm_and_si128(set, _mm_set1_epi8(16));
}

FK_TARGET_AVX2
void fk_dequantize_q5_0_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q5_0 *block = x;
    const __m128i sixteen = _mm_set1_epi8(16);
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m256 d = _mm256_set1_ps(fk_load_half(block->d));
        __m128i q = fk_load_16(block->q);
        __m128i low = _mm_or_si128(fk_low_nibbles(q), fifth_bits(block->high, 0));
        __m128i high = _mm_or_si128(fk_high_nibbles(q), fifth_bits(block->high, 1));
        fk_store_scaled_16(y, d, _mm_sub_epi8(low, sixteen));
        fk_store_scaled_16(y + 16, d, _mm_sub_epi8(high, sixteen));
    }
}

FK_TARGET_AVX2
void fk_dequantize_q5_1_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_q5_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m256 d = _mm256_set1_ps(fk_load_half(block->d));
        __m256 m = _mm256_set1_ps(fk_load_half(block->m));
        __m128i q = fk_load_16(block->q);
        fk_store_affine_16(y, d, m, _mm_or_si128(fk_low_nibbles(q), fifth_bits(block->high, 0)));
        fk_store_affine_16(y + 16, d, m,
                           _mm_or_si128(fk_high_nibbles(q), fifth_bits(block->high, 1)));
    }
}

FK_TARGET_AVX2
void fk_dequantize_iq4_nl_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_iq4_nl *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m256 d = _mm256_set1_ps(fk_load_half(block->d));
        __m128i q = fk_load_16(block->q);
        fk_store_scaled_16(y, d, fk_look_up(fk_values_iq4, fk_low_nibbles(q)));
        fk_store_scaled_16(y + 16, d, fk_look_up(fk_values_iq4, fk_high_nibbles(q)));
    }
}

FK_TARGET_AVX2
void fk_dequantize_mxfp4_avx2(float *y, const void *x, int64_t elements) {
    const fk_block_mxfp4 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        __m256 d = _mm256_set1_ps(fk_e8m0_half(block->e));
        __m128i q = fk_load_16(block->q);
        fk_store_scaled_16(y, d, fk_look_up(fk_values_e2m1, fk_low_nibbles(q)));
        fk_store_scaled_16(y + 16, d, fk_look_up(fk_values_e2m1, fk_high_nibbles(q)));
    }
}

#endif
