/* Scalar forms of the functions and sums: the definition that every level must
 * reproduce bit for bit. */
#ifndef FK_SCALAR_H
#define FK_SCALAR_H

#include "polynomials.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

/* Keeps a reference loop scalar. */
#define FK_SCALAR_LOOP _Pragma("clang loop vectorize(disable) interleave(disable)")

static inline uint32_t fk_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float fk_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Not fmaxf: the second operand unless the first is greater, as the instructions do. */
static inline float fk_max1(float a, float b) { return a > b ? a : b; }

static inline float fk_exp1(float x) {
    if (x != x) return x;
    if (x < FK_EXP_LOWEST) x = FK_EXP_LOWEST;
    if (x > FK_EXP_HIGHEST) x = FK_EXP_HIGHEST;
    float n = rintf(x * FK_LOG2_E);
    float r = fmaf(n, -FK_LN2_HIGH, x);
    r = fmaf(n, -FK_LN2_LOW, r);
    float q = fmaf(FK_EXP_Q4, r, FK_EXP_Q3);
    q = fmaf(q, r, FK_EXP_Q2);
    q = fmaf(q, r, FK_EXP_Q1);
    q = fmaf(q, r, FK_EXP_Q0);
    float p = 1.0f + fmaf(r * r, q, r);
    return ldexpf(p, (int)n);
}

/* exp for weights that are multiplied into sums, x at most 0 but for rounding: 0 below
 * FK_WEIGHT_LOWEST, so that no subnormal number (150 cycles a product) gets there. The
 * polynomial is that of exp; n comes from the low bits of a sum with FK_WEIGHT_MAGIC, which
 * shifted up are 2^n: five instructions less than exp. */
static inline float fk_weight1(float x) {
    if (x < FK_WEIGHT_LOWEST) return 0;
    float shifted = fmaf(x, FK_LOG2_E, FK_WEIGHT_MAGIC);
    float n = shifted - FK_WEIGHT_MAGIC;
    float r = fmaf(n, -FK_LN2_HIGH, x);
    r = fmaf(n, -FK_LN2_LOW, r);
    float q = fmaf(FK_EXP_Q4, r, FK_EXP_Q3);
    q = fmaf(q, r, FK_EXP_Q2);
    q = fmaf(q, r, FK_EXP_Q1);
    q = fmaf(q, r, FK_EXP_Q0);
    float p = 1.0f + fmaf(r * r, q, r);
    return p * fk_from_bits(fk_bits(shifted) << 23);
}

static inline float fk_log1(float x) {
    if (x != x || x == INFINITY) return x;
    if (x < 0) return NAN;
    if (x == 0) return -INFINITY;
    float e = 0;
    if (x < 0x1p-126f) {
        x *= 0x1p23f;
        e = -23;
    }
    int32_t shifted = (int32_t)fk_bits(x) - FK_SQRT_HALF_BITS;
    e += (float)(shifted >> 23);
    float f = fk_from_bits((uint32_t)((shifted & 0x7fffff) + FK_SQRT_HALF_BITS)) - 1.0f;
    float p = fmaf(FK_LOG_P7, f, FK_LOG_P6);
    p = fmaf(p, f, FK_LOG_P5);
    p = fmaf(p, f, FK_LOG_P4);
    p = fmaf(p, f, FK_LOG_P3);
    p = fmaf(p, f, FK_LOG_P2);
    p = fmaf(p, f, FK_LOG_P1);
    p = fmaf(p, f, FK_LOG_P0);
    float square = f * f;
    float r = fmaf(f * square, p, -0.5f * square);
    r = fmaf(e, FK_LN2_LOW, r);
    return fmaf(e, FK_LN2_HIGH, f + r);
}

static inline float fk_tanh1(float x) {
    float a = fabsf(x);
    if (a < FK_TANH_SMALL) {
        float u = x * x;
        float p = fmaf(FK_TANH_P4, u, FK_TANH_P3);
        p = fmaf(p, u, FK_TANH_P2);
        p = fmaf(p, u, FK_TANH_P1);
        p = fmaf(p, u, FK_TANH_P0);
        return fmaf(x * u, p, x);
    }
    return copysignf(1.0f - 2.0f / (fk_exp1(2.0f * a) + 1.0f), x);
}

static inline float fk_erf1(float x) {
    float a = fabsf(x);
    if (a < 1.0f) {
        float u = x * x;
        float p = fmaf(FK_ERF_P6, u, FK_ERF_P5);
        p = fmaf(p, u, FK_ERF_P4);
        p = fmaf(p, u, FK_ERF_P3);
        p = fmaf(p, u, FK_ERF_P2);
        p = fmaf(p, u, FK_ERF_P1);
        p = fmaf(p, u, FK_ERF_P0);
        return fmaf(x, p, x);
    }
    if (a > 4.0f) a = 4.0f;
    float q = fmaf(FK_ERF_Q7, a, FK_ERF_Q6);
    q = fmaf(q, a, FK_ERF_Q5);
    q = fmaf(q, a, FK_ERF_Q4);
    q = fmaf(q, a, FK_ERF_Q3);
    q = fmaf(q, a, FK_ERF_Q2);
    q = fmaf(q, a, FK_ERF_Q1);
    q = fmaf(q, a, FK_ERF_Q0);
    return copysignf(1.0f - fk_exp1(q), x);
}

static inline float fk_sigmoid1(float x) { return 1.0f / (1.0f + fk_exp1(-x)); }

/* cos and sin of 2 pi turns, for turns in [0, 1). */
static inline void fk_cos_sin_turns1(float turns, float *cosine, float *sine) {
    float quarters = turns * 4.0f;
    float n = rintf(quarters);
    float t = quarters - n, u = t * t;
    float s = fmaf(FK_SIN_S4, u, FK_SIN_S3);
    s = fmaf(s, u, FK_SIN_S2);
    s = fmaf(s, u, FK_SIN_S1);
    s = t * fmaf(s, u, FK_SIN_S0);
    float c = fmaf(FK_COS_C4, u, FK_COS_C3);
    c = fmaf(c, u, FK_COS_C2);
    c = fmaf(c, u, FK_COS_C1);
    c = fmaf(c, u, FK_COS_C0);
    int quadrant = (int)n & 3;
    float x = quadrant & 1 ? s : c, y = quadrant & 1 ? c : s;
    *cosine = quadrant == 1 || quadrant == 2 ? -x : x;
    *sine = quadrant >= 2 ? -y : y;
}

/* Halves 16 lanes: j + (j + 8), then 4, 2, 1. */
static inline float fk_halve16(const float *lanes) {
    float sums[16];
    memcpy(sums, lanes, sizeof sums);
    for (int step = 8; step > 0; step /= 2)
        FK_SCALAR_LOOP
        for (int j = 0; j < step; j++) sums[j] = sums[j] + sums[j + step];
    return sums[0];
}

/* The 64 lanes of an ordered sum to one number. */
static inline float fk_join64(const float *lanes) {
    float sums[16];
    FK_SCALAR_LOOP
    for (int j = 0; j < 16; j++)
        sums[j] = (lanes[j] + lanes[j + 16]) + (lanes[j + 32] + lanes[j + 48]);
    return fk_halve16(sums);
}

/* Number of elements of a row padded to whole sets of 64 lanes. */
static inline size_t fk_padded64(size_t count) { return (count + 63) / 64 * 64; }

static inline float fk_sum1(const float *x, size_t count) {
    float lanes[64] = {0};
    FK_SCALAR_LOOP
    for (size_t k = 0; k < fk_padded64(count); k++) lanes[k % 64] += k < count ? x[k] : 0;
    return fk_join64(lanes);
}

static inline float fk_dot1(const float *x, const float *y, size_t count) {
    float lanes[64] = {0};
    FK_SCALAR_LOOP
    for (size_t k = 0; k < fk_padded64(count); k++)
        lanes[k % 64] = k < count ? fmaf(x[k], y[k], lanes[k % 64]) : lanes[k % 64] + 0.0f;
    return fk_join64(lanes);
}

/* IEEE binary16 to float32, exact. */
static inline float fk_from_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = (half >> 10) & 31, fraction = half & 0x3ff;
    if (exponent == 31) {
        uint32_t quiet = fraction ? 0x400000 : 0;
        return fk_from_bits(sign | 0x7f800000 | quiet | fraction << 13);
    }
    if (exponent == 0) {
        float magnitude = (float)fraction * 0x1p-24f;
        return fk_from_bits(sign | fk_bits(magnitude));
    }
    return fk_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* float32 to IEEE binary16, to nearest even; overflow gives infinity. */
static inline uint16_t fk_to_f16(float x) {
    uint32_t bits = fk_bits(x);
    uint32_t sign = (bits >> 16) & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) {
        /* Subnormal: count units of 2^-24; adding 2^23 rounds to a whole one. */
        float units = fk_from_bits(magnitude) * 0x1p24f;
        return (uint16_t)(sign | (uint32_t)rintf(units));
    }
    uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
    return (uint16_t)(sign | ((rounded >> 13) - (112 << 10)));
}

/* bfloat16 is the upper half of float32. */
static inline float fk_from_bf16(uint16_t half) { return fk_from_bits((uint32_t)half << 16); }

/* float32 to bfloat16, to nearest even; a NaN stays one. */
static inline uint16_t fk_to_bf16(float x) {
    uint32_t bits = fk_bits(x);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

#endif
