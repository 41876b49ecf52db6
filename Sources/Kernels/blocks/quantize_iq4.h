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

/* The levels nearest to eight numbers: steps from level to level, each taken
 * where the number is beyond the middle. */
FK_SEARCH void fk_nearest_levels(fk_eight *v) {
    fk_eight level = (float)fk_values_iq4[0];
    for (int i = 0; i < 15; i++) {
        fk_eight middle = 0.5f * (float)(fk_values_iq4[i] + fk_values_iq4[i + 1]);
        fk_eight next = (float)fk_values_iq4[i + 1];
        level = *v >= middle ? next : level;
    }
    *v = level;
}

FK_SEARCH void fk_try_iq4(const float *x, const float *w, float inverse, float *sum_xq,
                          float *sum_qq) {
    const fk_eight *xs = fk_eights(x), *ws = fk_eights(w);
    fk_eight xq = 0, qq = 0;
    for (int i = 0; i < 4; i++) {
        fk_eight level = inverse * xs[i];
        fk_nearest_levels(&level);
        fk_eight weighted = ws[i] * level;
        xq += weighted * xs[i];
        qq += weighted * level;
    }
    *sum_xq = fk_sum_lanes(&xq);
    *sum_qq = fk_sum_lanes(&qq);
}

/* The scale s that minimises the sum of w (x - s level)^2 over 32 elements. */
FK_SEARCH float fk_search_iq4(const float *x, const float *w) {
    float extreme = fk_extreme(32, x), xq, qq;
    if (extreme == 0) return 0;
    float ends[2] = {(float)fk_values_iq4[0], (float)fk_values_iq4[15]};
    float scale = extreme / ends[0], best = 0;
    for (int candidate = 0; candidate < 20; candidate++) {
        float end = ends[candidate >= 15];
        float step = (float)(candidate < 15 ? candidate - 7 : 4 * (candidate - 17));
        float inverse = (end + step) / extreme;
        fk_try_iq4(x, w, inverse, &xq, &qq);
        if (qq > 0 && xq * xq > best * qq) {
            scale = xq / qq;
            best = xq * scale;
        }
    }
    for (int again = 0; again < 2; again++) {
        fk_try_iq4(x, w, 1 / scale, &xq, &qq);
        if (!(qq > 0 && xq * xq > best * qq)) break;
        scale = xq / qq;
        best = xq * scale;
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
        fk_weigh(32, x + b, importance ? importance + b : 0, mean_square, w);
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
            fk_weigh(32, from, importance ? importance + b + 32 * g : 0, mean_square, w);
            scale[g] = fk_search_iq4(from, w);
            weight[g] = fk_sum(32, w);
        }
        uint16_t bits = fk_f16_bits(fk_search_scale(8, -32, 31, -32, scale, weight));
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
