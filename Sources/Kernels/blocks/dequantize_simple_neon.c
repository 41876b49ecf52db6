#if defined(__aarch64__)
#include "dequantize_neon.h"

void fk_dequantize_q8_0_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q8_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        fk_store_scaled_16(y, d, vld1q_s8(block->q));
        fk_store_scaled_16(y + 16, d, vld1q_s8(block->q + 16));
    }
}

void fk_dequantize_q4_0_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q4_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        uint8x16_t q = vld1q_u8(block->q);
        fk_store_scaled_16(y, d, fk_centred(fk_low_nibbles(q), 8));
        fk_store_scaled_16(y + 16, d, fk_centred(fk_high_nibbles(q), 8));
    }
}

void fk_dequantize_q4_1_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q4_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d), m = fk_load_f16(block->m);
        uint8x16_t q = vld1q_u8(block->q);
        fk_store_affine_16(y, d, m, fk_low_nibbles(q));
        fk_store_affine_16(y + 16, d, m, fk_high_nibbles(q));
    }
}

/* Bits of two bytes, each as 16 or 0 in a byte. */
static inline uint8x16_t fifth_bits(const uint8_t *high) {
    const uint8x16_t bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t spread = vcombine_u8(vdup_n_u8(high[0]), vdup_n_u8(high[1]));
    return vandq_u8(vtstq_u8(spread, bit), vdupq_n_u8(16));
}

void fk_dequantize_q5_0_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q5_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        uint8x16_t q = vld1q_u8(block->q);
        uint8x16_t low = vorrq_u8(fk_low_nibbles(q), fifth_bits(block->high));
        uint8x16_t high = vorrq_u8(fk_high_nibbles(q), fifth_bits(block->high + 2));
        fk_store_scaled_16(y, d, fk_centred(low, 16));
        fk_store_scaled_16(y + 16, d, fk_centred(high, 16));
    }
}

void fk_dequantize_q5_1_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q5_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d), m = fk_load_f16(block->m);
        uint8x16_t q = vld1q_u8(block->q);
        fk_store_affine_16(y, d, m, vorrq_u8(fk_low_nibbles(q), fifth_bits(block->high)));
        fk_store_affine_16(y + 16, d, m,
                           vorrq_u8(fk_high_nibbles(q), fifth_bits(block->high + 2)));
    }
}

void fk_dequantize_iq4_nl_neon(float *y, const void *x, int64_t elements) {
    const fk_block_iq4_nl *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        uint8x16_t q = vld1q_u8(block->q);
        fk_store_scaled_16(y, d, fk_look_up(fk_values_iq4, fk_low_nibbles(q)));
        fk_store_scaled_16(y + 16, d, fk_look_up(fk_values_iq4, fk_high_nibbles(q)));
    }
}

void fk_dequantize_mxfp4_neon(float *y, const void *x, int64_t elements) {
    const fk_block_mxfp4 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_e8m0_half(block->e);
        uint8x16_t q = vld1q_u8(block->q);
        fk_store_scaled_16(y, d, fk_look_up(fk_values_e2m1, fk_low_nibbles(q)));
        fk_store_scaled_16(y + 16, d, fk_look_up(fk_values_e2m1, fk_high_nibbles(q)));
    }
}

#endif
