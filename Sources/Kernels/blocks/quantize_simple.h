/* Encoders of Q4_0, Q4_1, Q5_0 and Q5_1, compiled into every level's variant.
 *
 * Without an importance they round as the Python package gguf does (same
 * bytes); with one they search as the K formats do. */
#ifndef FK_QUANTIZE_SIMPLE_H
#define FK_QUANTIZE_SIMPLE_H

#include "quantize_search.h"

#pragma STDC FP_CONTRACT OFF

/* v cut to an integer within [0, top]; NaN to 0. */
FK_SEARCH int fk_cut_code(float v, int top) {
    if (!(v > 0)) return 0;
    return v < (float)top ? (int)v : top;
}

FK_SEARCH void fk_pack_nibbles(const int *code, uint8_t *q) {
    for (int i = 0; i < 16; i++) q[i] = (uint8_t)((code[i] & 15) | (code[i + 16] & 15) << 4);
}

FK_SEARCH void fk_pack_fifth_bits(const int *code, uint8_t *high) {
    for (int i = 0; i < 4; i++) {
        int bits = 0;
        for (int j = 0; j < 8; j++) bits |= (code[8 * i + j] >> 4) << j;
        high[i] = (uint8_t)bits;
    }
}

/* Codes in [0, 2 span) of 32 elements with offset span; returns the scale as f16. */
FK_SEARCH uint16_t fk_encode_symmetric(int span, const float *x, const float *importance,
                                       int *code) {
    float d;
    if (importance) {
        float w[32];
        fk_weigh(32, x, importance, fk_sum_squares(32, x) / 32, w);
        d = fk_f16_value(fk_f16_bits(fk_search_scale(
            32, (float)-span, (float)(span - 1), (float)-span, x, w)));
    } else {
        d = fk_extreme(32, x) / (float)-span;
    }
    float inverse = d == 0 ? 0 : 1 / d;
    for (int i = 0; i < 32; i++)
        code[i] = fk_cut_code(x[i] * inverse + ((float)span + 0.5f), 2 * span - 1);
    return fk_f16_bits(d);
}

/* Codes in [0, top] of 32 elements; returns scale and minimum as f16. */
FK_SEARCH void fk_encode_affine(int top, const float *x, const float *importance, int *code,
                                uint16_t *scale, uint16_t *offset) {
    float d, m;
    if (importance) {
        float w[32], min;
        fk_weigh(32, x, importance, fk_sum_squares(32, x) / 32, w);
        d = fk_f16_value(fk_f16_bits(fk_search_affine(32, (float)top, x, w, &min)));
        m = fk_f16_value(fk_f16_bits(-min));
    } else {
        float low = x[0], high = x[0];
        for (int i = 1; i < 32; i++) {
            if (x[i] < low) low = x[i];
            if (x[i] > high) high = x[i];
        }
        d = (high - low) / (float)top;
        m = low;
    }
    float inverse = d == 0 ? 0 : 1 / d;
    for (int i = 0; i < 32; i++) code[i] = fk_cut_code((x[i] - m) * inverse + 0.5f, top);
    *scale = fk_f16_bits(d);
    *offset = fk_f16_bits(m);
}

FK_SEARCH void fk_encode_q4_0(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q4_0 *block = y;
    for (int64_t i = 0; i < elements; i += 32, block++) {
        int code[32];
        uint16_t d = fk_encode_symmetric(8, x + i, importance ? importance + i : 0, code);
        fk_store_u16(block->d, d);
        fk_pack_nibbles(code, block->q);
    }
}

FK_SEARCH void fk_encode_q5_0(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q5_0 *block = y;
    for (int64_t i = 0; i < elements; i += 32, block++) {
        int code[32];
        uint16_t d = fk_encode_symmetric(16, x + i, importance ? importance + i : 0, code);
        fk_store_u16(block->d, d);
        fk_pack_nibbles(code, block->q);
        fk_pack_fifth_bits(code, block->high);
    }
}

FK_SEARCH void fk_encode_q4_1(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q4_1 *block = y;
    for (int64_t i = 0; i < elements; i += 32, block++) {
        int code[32];
        uint16_t d, m;
        fk_encode_affine(15, x + i, importance ? importance + i : 0, code, &d, &m);
        fk_store_u16(block->d, d);
        fk_store_u16(block->m, m);
        fk_pack_nibbles(code, block->q);
    }
}

FK_SEARCH void fk_encode_q5_1(void *y, const float *x, int64_t elements,
                              const float *importance) {
    fk_block_q5_1 *block = y;
    for (int64_t i = 0; i < elements; i += 32, block++) {
        int code[32];
        uint16_t d, m;
        fk_encode_affine(31, x + i, importance ? importance + i : 0, code, &d, &m);
        fk_store_u16(block->d, d);
        fk_store_u16(block->m, m);
        fk_pack_nibbles(code, block->q);
        fk_pack_fifth_bits(code, block->high);
    }
}

#endif
