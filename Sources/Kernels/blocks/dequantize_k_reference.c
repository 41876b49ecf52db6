/* The K formats: 256 elements, one or two f16 scales for the block, and a small
 * integer scale (and minimum) for each group of 16 or 32. */
#include "dequantize.h"
#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

/* Two-bit code i of 256: byte i mod 32 of its half holds elements 32 apart. */
static int two_bits(const uint8_t *q, int i) {
    return q[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
}

void fk_dequantize_q2_k_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q2_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d), dmin = fk_load_f16(block->dmin);
        for (int group = 0; group < 16; group++) {
            float scale = d * (float)(block->scales[group] & 15);
            float min = dmin * (float)(block->scales[group] >> 4);
            FK_SCALAR_LOOP
            for (int i = 16 * group; i < 16 * group + 16; i++)
                y[i] = scale * (float)two_bits(block->q, i) - min;
        }
    }
}

void fk_dequantize_q3_k_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q3_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d);
        for (int group = 0; group < 16; group++) {
            float scale = d * (float)fk_scale_q3_k(block->scales, group);
            FK_SCALAR_LOOP
            for (int i = 16 * group; i < 16 * group + 16; i++) {
                int high = block->high[i % 32] >> i / 32 & 1;
                y[i] = scale * (float)((two_bits(block->q, i) | high << 2) - 4);
            }
        }
    }
}

/* Four-bit code i of 256: 32 bytes hold elements 32 apart in their nibbles. */
static int four_bits(const uint8_t *q, int i) {
    return q[i / 64 * 32 + i % 32] >> i % 64 / 32 * 4 & 15;
}

void fk_dequantize_q4_k_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q4_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d), dmin = fk_load_f16(block->dmin);
        for (int group = 0; group < 8; group++) {
            int sc, mn;
            fk_scale_min_k(block->scales, group, &sc, &mn);
            float scale = d * (float)sc, min = dmin * (float)mn;
            FK_SCALAR_LOOP
            for (int i = 32 * group; i < 32 * group + 32; i++)
                y[i] = scale * (float)four_bits(block->q, i) - min;
        }
    }
}

void fk_dequantize_q5_k_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q5_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d), dmin = fk_load_f16(block->dmin);
        for (int group = 0; group < 8; group++) {
            int sc, mn;
            fk_scale_min_k(block->scales, group, &sc, &mn);
            float scale = d * (float)sc, min = dmin * (float)mn;
            FK_SCALAR_LOOP
            for (int i = 32 * group; i < 32 * group + 32; i++) {
                int high = block->high[i % 32] >> group & 1;
                y[i] = scale * (float)(four_bits(block->q, i) | high << 4) - min;
            }
        }
    }
}

/* Six-bit code i of 256: of each 128, 64 bytes hold the low nibbles of elements
 * 64 apart, 32 bytes the high pairs of bits of elements 32 apart. */
static int six_bits(const fk_block_q6_k *block, int i) {
    int half = i / 128, within = i % 128;
    int low = block->low[64 * half + within % 64] >> within / 64 * 4 & 15;
    int high = block->high[32 * half + within % 32] >> within / 32 * 2 & 3;
    return low | high << 4;
}

void fk_dequantize_q6_k_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q6_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d);
        for (int group = 0; group < 16; group++) {
            float scale = d * (float)block->scales[group];
            FK_SCALAR_LOOP
            for (int i = 16 * group; i < 16 * group + 16; i++)
                y[i] = scale * (float)(six_bits(block, i) - 32);
        }
    }
}

void fk_dequantize_q8_k_reference(float *y, const void *x, int64_t elements) {
    const fk_block_q8_k *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_bits_float(fk_load_u32(block->d));
        FK_SCALAR_LOOP
        for (int i = 0; i < 256; i++) y[i] = d * (float)block->q[i];
    }
}

void fk_dequantize_iq4_xs_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq4_xs *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++, y += 256) {
        float d = fk_load_f16(block->d);
        uint32_t high = fk_load_u16(block->high);
        for (int group = 0; group < 8; group++) {
            int low = block->low[group / 2] >> group % 2 * 4 & 15;
            int sc = (low | (int)(high >> 2 * group & 3) << 4) - 32;
            float scale = d * (float)sc;
            const uint8_t *q = block->q + 16 * group;
            float *to = y + 32 * group;
            FK_SCALAR_LOOP
            for (int i = 0; i < 16; i++) {
                to[i] = scale * (float)fk_values_iq4[q[i] & 15];
                to[i + 16] = scale * (float)fk_values_iq4[q[i] >> 4];
            }
        }
    }
}
