/* Arithmetic of the BF16 tiles: rounded to nearest, numbers below 2^-126 taken and given
 * as 0. (A result that only rounding brings to 2^-126 is not told from one that needs no
 * rounding.) */
#ifndef FK_FLUSHED_H
#define FK_FLUSHED_H

#include "../lanes/scalar.h"

static inline float fk_flushed(float x) {
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static inline float fk_flushed_fma(float a, float b, float c) {
    return fk_flushed(fmaf(fk_flushed(a), fk_flushed(b), fk_flushed(c)));
}

#endif
