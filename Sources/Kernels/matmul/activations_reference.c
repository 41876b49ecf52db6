#include "activations.h"

#include "../blocks/scalar.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

static void quantize_block(int8_t *codes, float *scale, int16_t *sums, const float *x) {
    uint32_t largest = 0;
    FK_SCALAR_LOOP
    for (int i = 0; i < 32; i++) {
        uint32_t magnitude = fk_float_bits(x[i]) & 0x7fffffff;
        if (magnitude > largest) largest = magnitude;
    }
    float maximum = fk_bits_float(largest), inverse = 0;
    if (largest >= 0x7f800000) {
        *scale = NAN;
    } else if (maximum < FK_ACTIVATION_FLOOR) {
        *scale = 0;
    } else {
        *scale = maximum / 127.0f;
        inverse = 127.0f / maximum;
    }
    sums[0] = sums[1] = 0;
    FK_SCALAR_LOOP
    for (int i = 0; i < 32; i++) {
        codes[i] = inverse == 0 ? 0 : (int8_t)nearbyintf(x[i] * inverse);
        sums[i / 16] = (int16_t)(sums[i / 16] + codes[i]);
    }
}

void fk_quantize_activations_reference(const fk_activations *x, const float *source,
                                       size_t ldx, int64_t row_begin, int64_t row_end) {
    for (int64_t t = row_begin; t < row_end; t++)
        for (int64_t b = 0; b < x->k / 32; b++)
            quantize_block(x->codes + t * x->stride + 32 * b, x->scales + t * (x->k / 32) + b,
                           x->sums + t * (x->k / 16) + 2 * b,
                           source + (size_t)t * ldx + 32 * b);
}
