#include "matmul_packed.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

/* Scale and minimum of half `h` of block `b`, as the layout's table says. */
static void scales_of(fk_packed_format f, fk_run_view run, int b, int h, int lane, float *d,
                      float *m) {
    const uint8_t *at = run.scales + b * fk_packed_scale_bytes(f);
    float super_d = 0, super_min = 0;
    *m = 0;
    if (fk_packed_has_super(f)) super_d = fk_f16_value(fk_load_u16(run.super + 2 * lane));
    if (fk_packed_has_super(f) && fk_packed_has_min(f))
        super_min = fk_f16_value(fk_load_u16(run.super + 32 + 2 * lane));
    switch (f.scales) {
    case FK_SCALES_F16: *d = fk_f16_value(fk_load_u16(at + 2 * lane)); break;
    case FK_SCALES_F16_MIN:
        *d = fk_f16_value(fk_load_u16(at + 2 * lane));
        *m = fk_f16_value(fk_load_u16(at + 32 + 2 * lane));
        break;
    case FK_SCALES_E8M0: *d = ldexpf(1, at[lane] - 128); break;
    case FK_SCALES_I8: *d = super_d * (float)(int8_t)at[lane]; break;
    case FK_SCALES_I8_HALVES: *d = super_d * (float)(int8_t)at[16 * h + lane]; break;
    case FK_SCALES_U8_MIN:
        *d = super_d * (float)at[lane];
        *m = -(super_min * (float)at[16 + lane]);
        break;
    case FK_SCALES_U4_HALVES:
        *d = super_d * (float)(at[16 * h + lane] & 15);
        *m = -(super_min * (float)(at[16 * h + lane] >> 4));
        break;
    }
}

static float dot(fk_packed_format f, const uint8_t *group, int lane, const fk_activations *x,
                 int64_t t) {
    float y = 0;
    const uint8_t *run_start = group;
    for (int64_t at = 0; at < x->k; at += FK_RUN) {
        int blocks = x->k - at < FK_RUN ? (int)(x->k - at) / FK_BLOCK : FK_RUN_BLOCKS;
        fk_run_view run = fk_run_parts(f, run_start, blocks);
        for (int b = 0; b < blocks; b++) {
            int64_t block = at / FK_BLOCK + b;
            const int8_t *q = x->codes + t * x->stride + FK_BLOCK * block;
            const int16_t *sums = x->sums + t * (x->k / 16) + 2 * block;
            float d_x = x->scales[t * (x->k / 32) + block];
            int parts = fk_packed_halves(f) ? 2 : 1, length = FK_BLOCK / parts;
            for (int h = 0; h < parts; h++) {
                float d, m;
                scales_of(f, run, b, h, lane, &d, &m);
                int32_t i = 0;
                FK_SCALAR_LOOP
                for (int e = length * h; e < length * (h + 1); e++) {
                    int code = fk_packed_code(f, run, b, lane, e);
                    i += (fk_packed_value(f, code) - f.offset) * q[e];
                }
                int sum = parts == 2 ? sums[h] : sums[0] + sums[1];
                float r = fmaf(FK_MAGIC + (float)i, d, -FK_MAGIC * d);
                if (fk_packed_has_min(f)) r = fmaf(m, (float)sum, r);
                y = fmaf(r, d_x, y);
            }
        }
        run_start += fk_packed_run_bytes(f, blocks);
    }
    return y;
}

void fk_matmul_packed_reference(FK_MATMUL_PACKED_PARAMETERS) {
    int index = fk_packed_index(type);
    if (index < 0) return;
    (void)n;
    fk_packed_format f = fk_packed_format_at(index);
    for (int64_t row = row_begin; row < row_end; row++) {
        const uint8_t *group = (const uint8_t *)packed +
                               row / FK_LANES * fk_packed_group_bytes(f, x->k);
        for (int64_t t = 0; t < x->rows; t++) {
            float value = dot(f, group, (int)(row % FK_LANES), x, t);
            if (bias) value += bias[row];
            float *at = y + (size_t)t * ldy + row;
            *at = accumulate ? *at + value : value;
        }
    }
}
