/* Formats whose encoder only rounds: the scale follows from the largest element.
 * The bytes are those of the Python package gguf (gguf/quants.py). */
#include "quantize.h"

#include <math.h>

#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

static float greatest_magnitude(int n, const float *x) {
    float greatest = 0;
    FK_SCALAR_LOOP
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > greatest) greatest = fabsf(x[i]);
    return greatest;
}

/* Nearest integer, halves away from zero, within [-limit, limit]; NaN to -limit. */
static int round_away(float v, float limit) {
    v = v > -limit ? v : -limit;
    v = v < limit ? v : limit;
    int whole = (int)v;
    float rest = v - (float)whole;
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void fk_quantize_q8_0_reference(void *y, const float *x, int64_t elements,
                                const float *importance) {
    (void)importance;
    fk_block_q8_0 *block = y;
    for (int64_t b = 0; b < elements / 32; b++, block++, x += 32) {
        float d = greatest_magnitude(32, x) / 127, inverse = d == 0 ? 0 : 1 / d;
        fk_store_u16(block->d, fk_f16_bits(d));
        FK_SCALAR_LOOP
        for (int i = 0; i < 32; i++) block->q[i] = (int8_t)round_away(x[i] * inverse, 127);
    }
}

void fk_quantize_tq2_0_reference(void *y, const float *x, int64_t elements,
                                 const float *importance) {
    (void)importance;
    fk_block_tq2_0 *block = y;
    for (int64_t b = 0; b < elements / 256; b++, block++, x += 256) {
        float d = greatest_magnitude(256, x), inverse = d == 0 ? 0 : 1 / d;
        memset(block->q, 0, sizeof block->q);
        fk_store_u16(block->d, fk_f16_bits(d));
        for (int i = 0; i < 256; i++) {
            int code = round_away(x[i] * inverse, 1) + 1;
            block->q[i / 128 * 32 + i % 32] |= (uint8_t)(code << i % 128 / 32 * 2);
        }
    }
}

/* Packs `count` numbers, `stride` apart, as base-3 digits, first digit highest;
 * the byte is the fraction digits / 243 in units of 1/256, rounded up. */
static uint8_t pack_trits(const float *x, float inverse, int count, int stride) {
    unsigned digits = 0;
    for (int i = 0; i < 5; i++) {
        digits *= 3;
        if (i < count) digits += (unsigned)(round_away(x[i * stride] * inverse, 1) + 1);
    }
    return (uint8_t)((digits * 256 + 242) / 243);
}

void fk_quantize_tq1_0_reference(void *y, const float *x, int64_t elements,
                                 const float *importance) {
    (void)importance;
    fk_block_tq1_0 *block = y;
    for (int64_t b = 0; b < elements / 256; b++, block++, x += 256) {
        float d = greatest_magnitude(256, x), inverse = d == 0 ? 0 : 1 / d;
        for (int i = 0; i < 32; i++) block->q[i] = pack_trits(x + i, inverse, 5, 32);
        for (int i = 0; i < 16; i++) block->q[32 + i] = pack_trits(x + 160 + i, inverse, 5, 16);
        for (int i = 0; i < 4; i++) block->last[i] = pack_trits(x + 240 + i, inverse, 4, 4);
        fk_store_u16(block->d, fk_f16_bits(d));
    }
}

/* The E2M1 code whose value times d is nearest to x; of two equally near the
 * smaller magnitude; 0 if d is. */
static uint8_t nearest_e2m1(float x, float d) {
    static const float middle[7] = {0.5f, 1.5f, 2.5f, 3.5f, 5, 7, 10}; /* of doubled values */
    int code = 0;
    if (d == 0) return 0;
    for (int i = 0; i < 7; i++) code += fabsf(x) > d * middle[i];
    return (uint8_t)(code > 0 && x < 0 ? code + 8 : code);
}

/* The E8M0 scale for a block: the exponent of its largest element less that of
 * E2M1's largest value, 4 (OCP Microscaling Formats 1.0, section 6.3). */
static uint8_t e8m0_for(float greatest) {
    int exponent = (int)(fk_float_bits(greatest) >> 23) - 2;
    return (uint8_t)(exponent < 0 ? 0 : exponent);
}

void fk_quantize_mxfp4_reference(void *y, const float *x, int64_t elements,
                                 const float *importance) {
    (void)importance;
    fk_block_mxfp4 *block = y;
    for (int64_t b = 0; b < elements / 32; b++, block++, x += 32) {
        block->e = e8m0_for(greatest_magnitude(32, x));
        float d = fk_e8m0_half(block->e);
        for (int i = 0; i < 16; i++)
            block->q[i] =
                (uint8_t)(nearest_e2m1(x[i], d) | nearest_e2m1(x[i + 16], d) << 4);
    }
}

/* Each 16 elements get the E4M3 scale that maps the largest to 6, E2M1's largest. */
void fk_quantize_nvfp4_reference(void *y, const float *x, int64_t elements,
                                 const float *importance) {
    (void)importance;
    fk_block_nvfp4 *block = y;
    for (int64_t b = 0; b < elements / 64; b++, block++) {
        for (int group = 0; group < 4; group++, x += 16) {
            block->d[group] = fk_f8e4m3_bits(greatest_magnitude(16, x) / 6);
            float d = fk_ue4m3_half(block->d[group]);
            for (int i = 0; i < 8; i++)
                block->q[group][i] =
                    (uint8_t)(nearest_e2m1(x[i], d) | nearest_e2m1(x[i + 8], d) << 4);
        }
    }
}
