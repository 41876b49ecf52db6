#if defined(__aarch64__)
#include "dequantize_neon.h"

/* The sixteen two-bit codes of a group of Q2_K and Q3_K. */
static inline uint8x16_t two_bits(const uint8_t *q, int group) {
    uint8x16_t bytes = vld1q_u8(q + group / 8 * 32 + group % 2 * 16);
    return vandq_u8(fk_moved(bytes, group % 8 / 2 * 2), vdupq_n_u8(3));
}

void fk_dequantize_q2_k_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q2_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d), dmin = fk_load_f16(block->dmin);
        for (int group = 0; group < 16; group++, y += 16) {
            int scales = block->scales[group];
            fk_store_affine_16(y, d * (float)(scales & 15), -(dmin * (float)(scales >> 4)),
                               two_bits(block->q, group));
        }
    }
}

void fk_dequantize_q3_k_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q3_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        uint8x16_t high[2] = {vld1q_u8(block->high), vld1q_u8(block->high + 16)};
        for (int group = 0; group < 16; group++, y += 16) {
            uint8x16_t code = vorrq_u8(two_bits(block->q, group),
                                       fk_value_of_bit(high[group % 2], group / 2, 4));
            fk_store_scaled_16(y, d * (float)fk_scale_q3_k(block->scales, group),
                               fk_centred(code, 4));
        }
    }
}

/* Scale and negated minimum of a group; a - b and a + (-b) are the same bits. */
static inline void group_k(const uint8_t *scales, int group, float d, float dmin, float *scale,
                           float *offset) {
    int sc, mn;
    fk_scale_min_k(scales, group, &sc, &mn);
    *scale = d * (float)sc;
    *offset = -(dmin * (float)mn);
}

void fk_dequantize_q4_k_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q4_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d), dmin = fk_load_f16(block->dmin);
        for (int pair = 0; pair < 4; pair++, y += 64) {
            float scale, offset;
            const uint8_t *q = block->q + 32 * pair;
            uint8x16_t q0 = vld1q_u8(q), q1 = vld1q_u8(q + 16);
            group_k(block->scales, 2 * pair, d, dmin, &scale, &offset);
            fk_store_affine_16(y, scale, offset, fk_low_nibbles(q0));
            fk_store_affine_16(y + 16, scale, offset, fk_low_nibbles(q1));
            group_k(block->scales, 2 * pair + 1, d, dmin, &scale, &offset);
            fk_store_affine_16(y + 32, scale, offset, fk_high_nibbles(q0));
            fk_store_affine_16(y + 48, scale, offset, fk_high_nibbles(q1));
        }
    }
}

void fk_dequantize_q5_k_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q5_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d), dmin = fk_load_f16(block->dmin);
        uint8x16_t h0 = vld1q_u8(block->high), h1 = vld1q_u8(block->high + 16);
        for (int pair = 0; pair < 4; pair++, y += 64) {
            float scale, offset;
            const uint8_t *q = block->q + 32 * pair;
            uint8x16_t q0 = vld1q_u8(q), q1 = vld1q_u8(q + 16);
            int group = 2 * pair;
            group_k(block->scales, group, d, dmin, &scale, &offset);
            fk_store_affine_16(y, scale, offset,
                               vorrq_u8(fk_low_nibbles(q0), fk_value_of_bit(h0, group, 16)));
            fk_store_affine_16(y + 16, scale, offset,
                               vorrq_u8(fk_low_nibbles(q1), fk_value_of_bit(h1, group, 16)));
            group_k(block->scales, group + 1, d, dmin, &scale, &offset);
            fk_store_affine_16(y + 32, scale, offset,
                               vorrq_u8(fk_high_nibbles(q0), fk_value_of_bit(h0, group + 1, 16)));
            fk_store_affine_16(y + 48, scale, offset,
                               vorrq_u8(fk_high_nibbles(q1), fk_value_of_bit(h1, group + 1, 16)));
        }
    }
}

/* Bits 2 k and 2 k + 1 of each byte, at bits 4 and 5. */
static inline uint8x16_t bit_pairs(uint8x16_t high, int k) {
    return vandq_u8(fk_moved(high, 2 * k - 4), vdupq_n_u8(0x30));
}

void fk_dequantize_q6_k_neon(float *y, const void *x, int64_t elements) {
    const fk_block_q6_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        for (int half = 0; half < 2; half++, y += 128) {
            const uint8_t *low = block->low + 64 * half, *high = block->high + 32 * half;
            const int8_t *scales = block->scales + 8 * half;
            for (int part = 0; part < 2; part++) { /* elements 16 part + 32 k, k in 0..<4 */
                uint8x16_t a = vld1q_u8(low + 16 * part), c = vld1q_u8(low + 32 + 16 * part);
                uint8x16_t h = vld1q_u8(high + 16 * part);
                uint8x16_t q[4] = {vorrq_u8(fk_low_nibbles(a), bit_pairs(h, 0)),
                                   vorrq_u8(fk_low_nibbles(c), bit_pairs(h, 1)),
                                   vorrq_u8(fk_high_nibbles(a), bit_pairs(h, 2)),
                                   vorrq_u8(fk_high_nibbles(c), bit_pairs(h, 3))};
                for (int k = 0; k < 4; k++)
                    fk_store_scaled_16(y + 32 * k + 16 * part, d * (float)scales[2 * k + part],
                                       fk_centred(q[k], 32));
            }
        }
    }
}

void fk_dequantize_iq4_xs_neon(float *y, const void *x, int64_t elements) {
    const fk_block_iq4_xs *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        int high = fk_load_u16(block->high);
        for (int group = 0; group < 8; group++, y += 32) {
            int low = block->low[group / 2] >> group % 2 * 4 & 15;
            float scale = d * (float)((low | (high >> 2 * group & 3) << 4) - 32);
            uint8x16_t q = vld1q_u8(block->q + 16 * group);
            fk_store_scaled_16(y, scale, fk_look_up(fk_values_iq4, fk_low_nibbles(q)));
            fk_store_scaled_16(y + 16, scale, fk_look_up(fk_values_iq4, fk_high_nibbles(q)));
        }
    }
}

#endif
