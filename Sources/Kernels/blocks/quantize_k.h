/* Encoders of the K formats, compiled into every level's variant.
 *
 * Each group finds its own scale (and minimum); these are then rounded to the
 * few bits the block keeps for them, relative to the largest; at last every
 * element is rounded again, by the scale that a reader will see. */
#ifndef FK_QUANTIZE_K_H
#define FK_QUANTIZE_K_H

#include "quantize_search.h"

#pragma STDC FP_CONTRACT OFF

/* Scales and minimums of one block as a reader computes them, and their codes. */
typedef struct {
    int scale[16], min[16];
    uint16_t d, dmin;
} fk_block_scales;

/* Rounds non-negative group scales to [0, top] of a common f16 factor. */
FK_SEARCH uint16_t fk_share_scale(int groups, int top, const float *scale, const float *weight,
                                  int *code) {
    uint16_t bits = fk_f16_bits(
        fk_search_scale(groups, 0, (float)top, (float)top, scale, weight));
    float d = fk_f16_value(bits), inverse = d > 0 ? 1 / d : 0;
    for (int g = 0; g < groups; g++)
        code[g] = (int)fk_round_code(scale[g] * inverse, 0, (float)top);
    return bits;
}

/* Codes in [0, top] of 256 elements in groups with scale and minimum. */
FK_SEARCH void fk_encode_affine_block(int group, int top, int scale_top,
                                      const float *x, const float *importance,
                                      fk_block_scales *scales, uint8_t *code) {
    float scale[16], min[16], weight[16], w[32];
    int groups = 256 / group;
    float mean_square = fk_sum_squares(256, x) / 256;
    for (int g = 0; g < groups; g++) {
        const float *weights = importance ? importance + g * group : 0;
        fk_weigh(group, x + g * group, weights, mean_square, w);
        scale[g] = fk_search_affine(group, (float)top, x + g * group, w, &min[g]);
        weight[g] = fk_sum(group, w);
    }
    scales->d = fk_share_scale(groups, scale_top, scale, weight, scales->scale);
    scales->dmin = fk_share_scale(groups, scale_top, min, weight, scales->min);
    for (int g = 0; g < groups; g++) {
        float d = fk_f16_value(scales->d) * (float)scales->scale[g];
        float m = fk_f16_value(scales->dmin) * (float)scales->min[g];
        float inverse = d > 0 ? 1 / d : 0;
        for (int i = g * group; i < (g + 1) * group; i++)
            code[i] = (uint8_t)fk_round_code((x[i] + m) * inverse, 0, (float)top);
    }
}

/* Two bits an element, elements 32 apart in one byte. */
FK_SEARCH void fk_pack_two_bits(const uint8_t *code, uint8_t *q) {
    for (int half = 0; half < 2; half++)
        for (int i = 0; i < 32; i++) {
            const uint8_t *c = code + 128 * half + i;
            q[32 * half + i] = (uint8_t)((c[0] & 3) | (c[32] & 3) << 2 | (c[64] & 3) << 4 |
                                         (c[96] & 3) << 6);
        }
}

FK_SEARCH void fk_encode_q2_k(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q2_k *block = y;
    for (int64_t b = 0; b < elements; b += 256, block++) {
        fk_block_scales scales;
        uint8_t code[256];
        fk_encode_affine_block(16, 3, 15, x + b, importance ? importance + b : 0, &scales,
                               code);
        for (int g = 0; g < 16; g++)
            block->scales[g] = (uint8_t)(scales.scale[g] | scales.min[g] << 4);
        fk_store_u16(block->d, scales.d);
        fk_store_u16(block->dmin, scales.dmin);
        fk_pack_two_bits(code, block->q);
    }
}

/* The inverse of fk_scale_min_k. */
FK_SEARCH void fk_pack_scales_k(const fk_block_scales *scales, uint8_t *packed) {
    for (int j = 0; j < 4; j++) {
        int scale = scales->scale[j + 4], min = scales->min[j + 4];
        packed[j] = (uint8_t)(scales->scale[j] | scale >> 4 << 6);
        packed[j + 4] = (uint8_t)(scales->min[j] | min >> 4 << 6);
        packed[j + 8] = (uint8_t)((scale & 15) | (min & 15) << 4);
    }
}

/* Four bits an element, elements 32 apart in one byte. */
FK_SEARCH void fk_pack_four_bits(const uint8_t *code, uint8_t *q) {
    for (int quarter = 0; quarter < 4; quarter++)
        for (int i = 0; i < 32; i++) {
            const uint8_t *c = code + 64 * quarter + i;
            q[32 * quarter + i] = (uint8_t)((c[0] & 15) | (c[32] & 15) << 4);
        }
}

FK_SEARCH void fk_encode_q4_k(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q4_k *block = y;
    for (int64_t b = 0; b < elements; b += 256, block++) {
        fk_block_scales scales;
        uint8_t code[256];
        fk_encode_affine_block(32, 15, 63, x + b, importance ? importance + b : 0, &scales,
                               code);
        fk_store_u16(block->d, scales.d);
        fk_store_u16(block->dmin, scales.dmin);
        fk_pack_scales_k(&scales, block->scales);
        fk_pack_four_bits(code, block->q);
    }
}

FK_SEARCH void fk_encode_q5_k(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q5_k *block = y;
    for (int64_t b = 0; b < elements; b += 256, block++) {
        fk_block_scales scales;
        uint8_t code[256];
        fk_encode_affine_block(32, 31, 63, x + b, importance ? importance + b : 0, &scales,
                               code);
        fk_store_u16(block->d, scales.d);
        fk_store_u16(block->dmin, scales.dmin);
        fk_pack_scales_k(&scales, block->scales);
        fk_pack_four_bits(code, block->q);
        for (int i = 0; i < 32; i++) {
            int bits = 0;
            for (int g = 0; g < 8; g++) bits |= (code[32 * g + i] >> 4) << g;
            block->high[i] = (uint8_t)bits;
        }
    }
}

/* Codes in [0, 2 span) with offset span, of 16 groups of 16 with signed scales in
 * [-scale_span, scale_span) of a common f16 factor. Returns the factor. */
FK_SEARCH uint16_t fk_encode_symmetric_block(int span, int scale_span, const float *x,
                                             const float *importance, int *scale_code,
                                             uint8_t *code) {
    float scale[16], weight[16], w[16];
    float mean_square = fk_sum_squares(256, x) / 256;
    for (int g = 0; g < 16; g++) {
        const float *weights = importance ? importance + 16 * g : 0;
        fk_weigh(16, x + 16 * g, weights, mean_square, w);
        scale[g] = fk_search_scale(16, (float)-span, (float)(span - 1), (float)-span,
                                   x + 16 * g, w);
        weight[g] = fk_sum(16, w);
    }
    float shared = fk_search_scale(16, (float)-scale_span, (float)(scale_span - 1),
                                   (float)-scale_span, scale, weight);
    uint16_t bits = fk_f16_bits(shared);
    float d = fk_f16_value(bits), inverse = d == 0 ? 0 : 1 / d;
    for (int g = 0; g < 16; g++) {
        float rounded =
            fk_round_code(scale[g] * inverse, (float)-scale_span, (float)(scale_span - 1));
        scale_code[g] = (int)rounded;
        float step = d * rounded, inverse_step = step == 0 ? 0 : 1 / step;
        for (int i = 16 * g; i < 16 * g + 16; i++)
            code[i] = (uint8_t)((int)fk_round_code(x[i] * inverse_step, (float)-span,
                                                   (float)(span - 1)) +
                                span);
    }
    return bits;
}

FK_SEARCH void fk_encode_q3_k(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q3_k *block = y;
    for (int64_t b = 0; b < elements; b += 256, block++) {
        int scale[16];
        uint8_t code[256];
        uint16_t d = fk_encode_symmetric_block(4, 32, x + b, importance ? importance + b : 0,
                                               scale, code);
        fk_store_u16(block->d, d);
        for (int j = 0; j < 8; j++) /* the inverse of fk_scale_q3_k */
            block->scales[j] = (uint8_t)(((scale[j] + 32) & 15) | ((scale[j + 8] + 32) & 15) << 4);
        for (int j = 0; j < 4; j++) {
            int bits = 0;
            for (int k = 0; k < 4; k++) bits |= (scale[j + 4 * k] + 32) >> 4 << 2 * k;
            block->scales[8 + j] = (uint8_t)bits;
        }
        fk_pack_two_bits(code, block->q);
        for (int i = 0; i < 32; i++) {
            int bits = 0;
            for (int k = 0; k < 8; k++) bits |= (code[32 * k + i] >> 2) << k;
            block->high[i] = (uint8_t)bits;
        }
    }
}

FK_SEARCH void fk_encode_q6_k(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q6_k *block = y;
    for (int64_t b = 0; b < elements; b += 256, block++) {
        int scale[16];
        uint8_t code[256];
        uint16_t d = fk_encode_symmetric_block(32, 128, x + b, importance ? importance + b : 0,
                                               scale, code);
        fk_store_u16(block->d, d);
        for (int g = 0; g < 16; g++) block->scales[g] = (int8_t)scale[g];
        for (int half = 0; half < 2; half++) {
            const uint8_t *c = code + 128 * half;
            for (int i = 0; i < 64; i++)
                block->low[64 * half + i] = (uint8_t)((c[i] & 15) | (c[i + 64] & 15) << 4);
            for (int i = 0; i < 32; i++)
                block->high[32 * half + i] =
                    (uint8_t)(c[i] >> 4 | c[i + 32] >> 4 << 2 | c[i + 64] >> 4 << 4 |
                              c[i + 96] >> 4 << 6);
        }
    }
}

#endif
