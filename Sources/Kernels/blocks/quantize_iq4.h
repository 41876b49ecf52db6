/* Encoders of IQ4_NL and IQ4_XS, compiled into every level's variant.
 *
 * As for the other formats: try scales around the one that the largest element
 * asks for, solve for the best scale given the codes, keep the best. Codes name
 * sixteen uneven levels, denser around zero. */
#ifndef FK_QUANTIZE_IQ4_H
#define FK_QUANTIZE_IQ4_H

#include "quantize_search.h"

#pragma STDC FP_CONTRACT OFF

/* The code of the level nearest to v, the upper of two equally near; NaN to 0. */
FK_SEARCH int fk_nearest_iq4(float v) {
    int code = 0;
    for (int i = 0; i < 15; i++)
        code += v >= 0.5f * (float)(fk_values_iq4[i] + fk_values_iq4[i + 1]);
    return code;
}

FK_SEARCH void fk_round_iq4(const float *x, const float *w, float inverse, float *xq,
                            float *qq) {
    float xq_lane[fk_lanes] = {0}, qq_lane[fk_lanes] = {0};
    for (int i = 0; i < 32; i += fk_lanes)
        for (int j = 0; j < fk_lanes; j++) {
            float level = (float)fk_values_iq4[fk_nearest_iq4(inverse * x[i + j])];
            float weighted = w[i + j] * level;
            xq_lane[j] += weighted * x[i + j];
            qq_lane[j] += weighted * level;
        }
    *xq = fk_sum_lanes(xq_lane);
    *qq = fk_sum_lanes(qq_lane);
}

/* The scale s that minimises the sum of w (x - s level)^2 over 32 elements. */
FK_SEARCH float fk_search_iq4(const float *x, const float *w) {
    float extreme = fk_extreme(32, x), xq, qq;
    if (extreme == 0) return 0;
    float lowest = (float)fk_values_iq4[0], scale = extreme / lowest, best = 0;
    for (int step = -7; step <= 7; step++) {
        float inverse = (lowest + (float)step) / extreme;
        fk_round_iq4(x, w, inverse, &xq, &qq);
        if (qq > 0 && xq * xq > best * qq) {
            scale = xq / qq;
            best = xq * scale;
        }
    }
    return scale;
}

FK_SEARCH void fk_code_iq4(const float *x, float scale, uint8_t *q) {
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = 0; i < 16; i++)
        q[i] = (uint8_t)(fk_nearest_iq4(x[i] * inverse) |
                         fk_nearest_iq4(x[i + 16] * inverse) << 4);
}

FK_SEARCH void fk_encode_iq4_nl(void *y, const float *x, int64_t elements,
                                const float *importance) {
    fk_block_iq4_nl *block = y;
    for (int64_t b = 0; b < elements; b += 32, block++) {
        float w[32];
        float mean_square = fk_sum_squares(32, x + b) / 32;
        fk_weigh(32, x + b, importance ? importance + b : 0, mean_square, 2, w);
        uint16_t d = fk_f16_bits(fk_search_iq4(x + b, w));
        fk_store_u16(block->d, d);
        fk_code_iq4(x + b, fk_f16_value(d), block->q);
    }
}

FK_SEARCH void fk_encode_iq4_xs(void *y, const float *x, int64_t elements,
                                const float *importance) {
    fk_block_iq4_xs *block = y;
    for (int64_t b = 0; b < elements; b += 256, block++) {
        float scale[8], weight[8], w[32];
        float mean_square = fk_sum_squares(256, x + b) / 256;
        for (int g = 0; g < 8; g++) {
            const float *from = x + b + 32 * g;
            fk_weigh(32, from, importance ? importance + b + 32 * g : 0, mean_square, 2, w);
            scale[g] = fk_search_iq4(from, w);
            weight[g] = 0;
            for (int i = 0; i < 32; i++) weight[g] += w[i];
        }
        uint16_t bits = fk_f16_bits(fk_search_scale(8, 32, scale, weight));
        float d = fk_f16_value(bits), inverse = d == 0 ? 0 : 1 / d;
        unsigned high = 0;
        memset(block->low, 0, sizeof block->low);
        for (int g = 0; g < 8; g++) {
            float rounded = fk_round_code(scale[g] * inverse, -32, 31);
            int code = (int)rounded + 32;
            block->low[g / 2] |= (uint8_t)((code & 15) << g % 2 * 4);
            high |= (unsigned)(code >> 4) << 2 * g;
            fk_code_iq4(x + b + 32 * g, d * rounded, block->q + 16 * g);
        }
        fk_store_u16(block->d, bits);
        fk_store_u16(block->high, (uint16_t)high);
    }
}

#endif
