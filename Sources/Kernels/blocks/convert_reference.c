#include "convert.h"
#include "scalar.h"

#pragma STDC FP_CONTRACT OFF

void fk_f32_to_f16_reference(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    FK_SCALAR_LOOP
    for (int64_t i = 0; i < n; i++) fk_store_u16(to + 2 * i, fk_f16_bits(x[i]));
}

void fk_f32_to_bf16_reference(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    FK_SCALAR_LOOP
    for (int64_t i = 0; i < n; i++) fk_store_u16(to + 2 * i, fk_bf16_bits(x[i]));
}

void fk_f32_to_f8e4m3_reference(void *y, const float *x, int64_t n) {
    uint8_t *to = y;
    FK_SCALAR_LOOP
    for (int64_t i = 0; i < n; i++) to[i] = fk_f8e4m3_bits(x[i]);
}

void fk_f16_to_f32_reference(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    FK_SCALAR_LOOP
    for (int64_t i = 0; i < n; i++) y[i] = fk_load_f16(from + 2 * i);
}

void fk_bf16_to_f32_reference(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    FK_SCALAR_LOOP
    for (int64_t i = 0; i < n; i++) y[i] = fk_bf16_value(fk_load_u16(from + 2 * i));
}

void fk_f8e4m3_to_f32_reference(float *y, const void *x, int64_t n) {
    const uint8_t *from = x;
    FK_SCALAR_LOOP
    for (int64_t i = 0; i < n; i++) y[i] = fk_f8e4m3_value(from[i]);
}
