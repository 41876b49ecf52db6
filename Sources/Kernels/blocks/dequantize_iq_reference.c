/* The IQ formats: vectors of 4 or 8 magnitudes named by an index into a codebook
 * (grids.h), one sign an element, and a small scale for each 8, 16 or 32. */
#include "dequantize.h"
#include "grids.h"
#include "layouts.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

static const float levels_iq2[4] = {8, 25, 43, 0}; /* no grid holds level 3 */
static const float levels_iq3_xxs[8] = {4, 12, 20, 28, 36, 44, 52, 62};
static const float levels_iq3_s[8] = {1, 3, 5, 7, 9, 11, 13, 15};

/* Seven stored signs and the eighth, which makes the number of minuses even. */
static uint32_t eight_signs(uint32_t seven) {
    uint32_t parity = seven ^ seven >> 4;
    parity ^= parity >> 2;
    parity ^= parity >> 1;
    return (seven & 127) | (parity & 1) << 7;
}

static void decode_eight(float *y, float scale, uint32_t grid, uint32_t signs) {
    FK_SCALAR_LOOP
    for (int i = 0; i < 8; i++) {
        float value = scale * levels_iq2[grid >> 2 * i & 3];
        y[i] = signs >> i & 1 ? -value : value;
    }
}

static void decode_four(float *y, float scale, const float *levels, uint32_t grid,
                        uint32_t signs) {
    FK_SCALAR_LOOP
    for (int i = 0; i < 4; i++) {
        float value = scale * levels[grid >> 4 * i & 7];
        y[i] = signs >> i & 1 ? -value : value;
    }
}

void fk_dequantize_iq2_xxs_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq2_xxs *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        for (int group = 0; group < 8; group++) {
            const uint8_t *grid = block->groups[group];
            uint32_t packed = fk_load_u32(grid + 4);
            float scale = d * (0.5f + (float)(packed >> 28)) * 0.25f;
            for (int part = 0; part < 4; part++, y += 8)
                decode_eight(y, scale, fk_grid_iq2_xxs[grid[part]],
                             eight_signs(packed >> 7 * part & 127));
        }
    }
}

void fk_dequantize_iq2_xs_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq2_xs *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        for (int part = 0; part < 32; part++, y += 8) {
            int sc = block->scales[part / 4] >> part % 4 / 2 * 4 & 15;
            float scale = d * (0.5f + (float)sc) * 0.25f;
            uint32_t code = fk_load_u16(block->q + 2 * part);
            decode_eight(y, scale, fk_grid_iq2_xs[code & 511], eight_signs(code >> 9));
        }
    }
}

void fk_dequantize_iq2_s_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq2_s *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        for (int part = 0; part < 32; part++, y += 8) {
            int sc = block->scales[part / 4] >> part % 4 / 2 * 4 & 15;
            float scale = d * (0.5f + (float)sc) * 0.25f;
            int high = block->high[part / 4] >> 2 * (part % 4) & 3;
            decode_eight(y, scale, fk_grid_iq2_s[block->grid[part] | high << 8],
                         block->signs[part]);
        }
    }
}

void fk_dequantize_iq3_xxs_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq3_xxs *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        for (int group = 0; group < 8; group++) {
            uint32_t packed = fk_load_u32(block->signs[group]);
            float scale = d * (0.5f + (float)(packed >> 28)) * 0.5f;
            for (int part = 0; part < 4; part++, y += 8) {
                const uint8_t *grid = block->grid + 8 * group + 2 * part;
                uint32_t signs = eight_signs(packed >> 7 * part & 127);
                decode_four(y, scale, levels_iq3_xxs, fk_grid_iq3_xxs[grid[0]], signs);
                decode_four(y + 4, scale, levels_iq3_xxs, fk_grid_iq3_xxs[grid[1]], signs >> 4);
            }
        }
    }
}

void fk_dequantize_iq3_s_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq3_s *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        for (int part = 0; part < 64; part++, y += 4) {
            int sc = block->scales[part / 16] >> part % 16 / 8 * 4 & 15;
            float scale = d * (float)(1 + 2 * sc);
            int high = block->high[part / 8] >> part % 8 & 1;
            decode_four(y, scale, levels_iq3_s, fk_grid_iq3_s[block->grid[part] | high << 8],
                        block->signs[part / 2] >> part % 2 * 4);
        }
    }
}

static void decode_shifted(float *y, float scale, uint32_t grid, float shift) {
    FK_SCALAR_LOOP
    for (int i = 0; i < 8; i++) {
        float level = (float)(grid >> 2 * i & 3) - 1;
        y[i] = scale * (level + shift);
    }
}

void fk_dequantize_iq1_s_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq1_s *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        float d = fk_load_f16(block->d);
        for (int part = 0; part < 32; part++, y += 8) {
            uint32_t high = fk_load_u16(block->high[part / 4]);
            float scale = d * (float)(2 * (high >> 12 & 7) + 1);
            uint32_t index = block->grid[part] | (high >> 3 * (part % 4) & 7) << 8;
            decode_shifted(y, scale, fk_grid_iq1[index], high & 0x8000 ? -0.125f : 0.125f);
        }
    }
}

void fk_dequantize_iq1_m_reference(float *y, const void *x, int64_t elements) {
    const fk_block_iq1_m *block = x;
    for (int64_t b = 0; b < elements / 256; b++, block++) {
        uint32_t scales[4], bits = 0;
        for (int i = 0; i < 4; i++) {
            scales[i] = fk_load_u16(block->scales[i]);
            bits |= scales[i] >> 12 << 4 * i;
        }
        float d = fk_f16_value((uint16_t)bits);
        for (int part = 0; part < 32; part++, y += 8) {
            uint32_t sc = scales[part / 8] >> 3 * (part % 8 / 2) & 7;
            float scale = d * (float)(2 * sc + 1);
            uint32_t high = block->high[part / 2] >> 4 * (part % 2) & 15;
            uint32_t index = block->grid[part] | (high & 7) << 8;
            decode_shifted(y, scale, fk_grid_iq1[index], high & 8 ? -0.125f : 0.125f);
        }
    }
}
