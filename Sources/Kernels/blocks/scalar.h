/* Single numbers of the stored formats, in portable integer arithmetic. */
#ifndef FK_SCALAR_H
#define FK_SCALAR_H

#include <stdint.h>
#include <string.h>

/* Before a loop of a reference variant: keeps it scalar, so that "reference"
 * means the same on every machine. */
#define FK_SCALAR_LOOP _Pragma("clang loop vectorize(disable) interleave(disable)")

static inline uint16_t fk_load_u16(const void *p) {
    const uint8_t *b = p;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t fk_load_u32(const void *p) {
    const uint8_t *b = p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline void fk_store_u16(void *p, uint16_t value) {
    uint8_t *b = p;
    b[0] = (uint8_t)value;
    b[1] = (uint8_t)(value >> 8);
}

static inline uint32_t fk_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float fk_bits_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* binary16 to binary32: exact, NaN made quiet. */
static inline float fk_f16_value(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    if (exponent == 0) /* zero and subnormals: mantissa * 2^-24 */
        return fk_bits_float(sign | fk_float_bits((float)mantissa * 0x1p-24f));
    if (exponent == 31)
        return fk_bits_float(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
    return fk_bits_float(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* binary32 to binary16: to nearest, ties to even; NaN made quiet. */
static inline uint16_t fk_f16_bits(float x) {
    uint32_t bits = fk_float_bits(x);
    uint32_t sign = bits >> 16 & 0x8000, a = bits & 0x7fffffff;
    if (a > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x3ff));
    if (a >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 rounds to infinity */
    if (a >= 0x38800000) {                                 /* 2^-14, the least normal */
        a += 0xfff + (a >> 13 & 1);
        return (uint16_t)(sign | ((a >> 13) - (112 << 10)));
    }
    if (a < 0x33000000) return (uint16_t)sign; /* below half of 2^-24 */
    uint32_t mantissa = (a & 0x7fffff) | 0x800000, shift = 126 - (a >> 23);
    uint32_t whole = mantissa >> shift, rest = mantissa & ((1u << shift) - 1);
    uint32_t half = 1u << (shift - 1);
    if (rest > half || (rest == half && (whole & 1))) whole++;
    return (uint16_t)(sign | whole);
}

static inline float fk_load_f16(const void *p) { return fk_f16_value(fk_load_u16(p)); }

/* bfloat16 to binary32: the same bits and 16 zeros. */
static inline float fk_bf16_value(uint16_t h) { return fk_bits_float((uint32_t)h << 16); }

/* binary32 to bfloat16: to nearest, ties to even; NaN made quiet. */
static inline uint16_t fk_bf16_bits(float x) {
    uint32_t bits = fk_float_bits(x);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* OCP FP8 E4M3 to binary32: exact. */
static inline float fk_f8e4m3_value(uint8_t b) {
    uint32_t sign = (uint32_t)(b & 0x80) << 24, exponent = b >> 3 & 15, mantissa = b & 7;
    if ((b & 0x7f) == 0x7f) return fk_bits_float(sign | 0x7fc00000);
    if (exponent == 0) /* mantissa * 2^-9 */
        return fk_bits_float(sign | fk_float_bits((float)mantissa * 0x1p-9f));
    return fk_bits_float(sign | (exponent + 120) << 23 | mantissa << 20);
}

/* binary32 to OCP FP8 E4M3: to nearest, ties to even, saturating at 448. */
static inline uint8_t fk_f8e4m3_bits(float x) {
    uint32_t bits = fk_float_bits(x);
    uint32_t sign = bits >> 24 & 0x80, a = bits & 0x7fffffff;
    if (a > 0x7f800000) return (uint8_t)(sign | 0x7f);
    if (a > 0x43e00000) a = 0x43e00000; /* 448 */
    if (a >= 0x3c800000) {              /* 2^-6, the least normal */
        a += 0x7ffff + (a >> 20 & 1);
        return (uint8_t)(sign | ((a >> 20) - (120 << 3)));
    }
    /* Adding 2^14, whose unit in the last place is 2^-9, rounds to a multiple of it. */
    uint32_t whole = fk_float_bits(fk_bits_float(a) + 0x1p14f) - 0x46800000;
    return (uint8_t)(sign | whole);
}

/* OCP E8M0 scale, halved as the E2M1 values beside it are doubled: 2^(e - 128). */
static inline float fk_e8m0_half(uint8_t e) {
    return fk_bits_float(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

/* Unsigned E4M3 scale of NVFP4, halved as the E2M1 values beside it are doubled.
 * The sign bit is ignored and 0x7f reads as 0, as ggml does. */
static inline float fk_ue4m3_half(uint8_t b) {
    uint32_t exponent = b >> 3 & 15, mantissa = b & 7;
    if (b == 0x7f) return 0;
    if (exponent == 0) return (float)mantissa * 0x1p-10f;
    return fk_bits_float((exponent + 119) << 23 | mantissa << 20);
}

#endif
