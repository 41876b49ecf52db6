/* What the AMX variant of fk_matmul_bf16_nt computes, output by output. */
#include "matmul_float.h"

#include "flushed.h"

#pragma STDC FP_CONTRACT OFF

/* The parts of x, largest first. */
static void cut(float x, float parts[3]) {
    for (int part = 0; part < 3; part++) {
        uint32_t bits = fk_bits(x);
        parts[part] = fk_from_bits(bits & 0xffff0000);
        if (x != x) parts[part] = x;
        x = isfinite(x) ? x - parts[part] : 0;
    }
}

static float chunk(const uint8_t *w, const float *x, int64_t count) {
    float sums[3] = {0};
    for (int64_t begin = 0; begin < count; begin += 32) {
        float chains[3][2] = {{0}};
        FK_SCALAR_LOOP
        for (int64_t j = begin; j < begin + 32; j++) {
            float weight = 0, parts[3] = {0};
            if (j < count) {
                uint16_t half;
                memcpy(&half, w + 2 * j, 2);
                weight = fk_from_bf16(half);
                cut(x[j], parts);
            }
            for (int part = 0; part < 3; part++)
                chains[part][j % 2] =
                    fk_flushed_fma(weight, parts[part], chains[part][j % 2]);
        }
        for (int part = 0; part < 3; part++)
            sums[part] = fk_flushed(sums[part] + fk_flushed(chains[part][0] + chains[part][1]));
    }
    return sums[0] + (sums[1] + sums[2]);
}

void fk_matmul_bf16_nt_amx_reference(FK_MATMUL_NT_PARAMETERS(void)) {
    for (int64_t row = row_begin; row < row_end; row++)
        for (int64_t i = 0; i < t; i++) {
            const uint8_t *weights = (const uint8_t *)w + 2 * (size_t)row * ldw;
            float result = 0;
            for (int64_t at = 0; at < k; at += FK_BF16_CHUNK) {
                int64_t count = k - at < FK_BF16_CHUNK ? k - at : FK_BF16_CHUNK;
                float sum = chunk(weights + 2 * at, x + (size_t)i * ldx + at, count);
                result = at == 0 ? sum : result + sum;
            }
            if (bias) result = result + bias[row];
            float *to = y + (size_t)i * ldy + row;
            *to = accumulate ? *to + result : result;
        }
}
