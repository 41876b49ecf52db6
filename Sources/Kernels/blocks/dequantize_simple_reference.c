/* Formats with one scale, or scale and minimum, for a whole block. */
#include "dequantize.h"
#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

void fk_dequantize_q1_0_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q1_0 *block = x;
    for (int64_t b = 0; b < elements / 128; b++, block++, y += 128) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 128; i++) y[i] = block->bits[i / 8] >> i % 8 & 1 ? d : -d;
    }
}

void fk_dequantize_q2_0_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q2_0 *block = x;
    for (int64_t b = 0; b < elements / 64; b++, block++, y += 64) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 64; i++)
            y[i] = d * (float)((block->q[i / 4] >> 2 * (i % 4) & 3) - 1);
    }
}

void fk_dequantize_q4_0_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q4_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)((block->q[i] & 15) - 8);
            y[i + 16] = d * (float)((block->q[i] >> 4) - 8);
        }
    }
}

void fk_dequantize_q4_1_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q4_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d), m = fk_load_f16(block->m);
        FK_SCALAR_LOOP
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)(block->q[i] & 15) + m;
            y[i + 16] = d * (float)(block->q[i] >> 4) + m;
        }
    }
}

/* Element i of a block of 32 whose codes have a fifth bit in `high`. */
static int five_bits(const uint8_t *q, uint32_t high, int i) {
    int low = i < 16 ? q[i] & 15 : q[i - 16] >> 4;
    return low | (int)(high >> i & 1) << 4;
}

void fk_dequantize_q5_0_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q5_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        uint32_t high = fk_load_u32(block->high);
        FK_SCALAR_LOOP
        for (int i = 0; i < 32; i++) y[i] = d * (float)(five_bits(block->q, high, i) - 16);
    }
}

void fk_dequantize_q5_1_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q5_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d), m = fk_load_f16(block->m);
        uint32_t high = fk_load_u32(block->high);
        FK_SCALAR_LOOP
        for (int i = 0; i < 32; i++) y[i] = d * (float)five_bits(block->q, high, i) + m;
    }
}

void fk_dequantize_q8_0_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q8_0 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 32; i++) y[i] = d * (float)block->q[i];
    }
}

void fk_dequantize_q8_1_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q8_1 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 32; i++) y[i] = d * (float)block->q[i];
    }
}

void fk_dequantize_iq4_nl_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq4_nl *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)fk_values_iq4[block->q[i] & 15];
            y[i + 16] = d * (float)fk_values_iq4[block->q[i] >> 4];
        }
    }
}

void fk_dequantize_mxfp4_reference(float *y, const void *x, int64_t elements) {
    const fk_block_mxfp4 *block = x;
    for (int64_t b = 0; b < elements / 32; b++, block++, y += 32) {
        float d = fk_e8m0_half(block->e);
        FK_SCALAR_LOOP
        for (int i = 0; i < 16; i++) {
            y[i] = d * (float)fk_values_e2m1[block->q[i] & 15];
            y[i + 16] = d * (float)fk_values_e2m1[block->q[i] >> 4];
        }
    }
}

void fk_dequantize_nvfp4_reference(float *y, const void *x, int64_t elements) {
    const fk_block_nvfp4 *block = x;
    for (int64_t b = 0; b < elements / 64; b++, block++) {
        for (int group = 0; group < 4; group++, y += 16) {
            float d = fk_ue4m3_half(block->d[group]);
            FK_SCALAR_LOOP
            for (int i = 0; i < 8; i++) {
                y[i] = d * (float)fk_values_e2m1[block->q[group][i] & 15];
                y[i + 8] = d * (float)fk_values_e2m1[block->q[group][i] >> 4];
            }
        }
    }
}

void fk_dequantize_tq2_0_reference(float *y, const void *x, int64_t elements) {
    const fk_block_tq2_0 *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 256; i++) {
            int byte = i / 128 * 32 + i % 32, shift = i % 128 / 32 * 2;
            y[i] = d * (float)((block->q[byte] >> shift & 3) - 1);
        }
    }
}

/* Trit n of a byte that holds the fraction trits / 243 in units of 1/256: the
 * n-th digit comes to the top by multiplying with 3^n, modulo 256. */
static int trit(uint8_t byte, int n) {
    static const uint8_t power[5] = {1, 3, 9, 27, 81};
    uint8_t shifted = (uint8_t)(byte * power[n]);
    return (shifted * 3 >> 8) - 1;
}

void fk_dequantize_tq1_0_reference(float *y, const void *x, int64_t elements) {
    const fk_block_tq1_0 *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d);
        FK_SCALAR_LOOP
        for (int i = 0; i < 160; i++) y[i] = d * (float)trit(block->q[i % 32], i / 32);
        FK_SCALAR_LOOP
        for (int i = 0; i < 80; i++)
            y[160 + i] = d * (float)trit(block->q[32 + i % 16], i / 16);
        FK_SCALAR_LOOP
        for (int i = 0; i < 16; i++) y[240 + i] = d * (float)trit(block->last[i % 4], i / 4);
    }
}
