#include "matmul_float.h"

#include "../blocks/scalar.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

static float f32_at(const void *w, size_t i) { return ((const float *)w)[i]; }

static float f16_at(const void *w, size_t i) {
    return fk_f16_value(fk_load_u16((const uint8_t *)w + 2 * i));
}

static float bf16_at(const void *w, size_t i) {
    return fk_bits_float((uint32_t)fk_load_u16((const uint8_t *)w + 2 * i) << 16);
}

static void product(float *y, size_t ldy, const float *x, size_t ldx, const void *w, size_t ldw,
                    float (*value)(const void *, size_t), int64_t t, int64_t row_begin,
                    int64_t row_end, int64_t k, const float *bias, int accumulate) {
    for (int64_t row = row_begin; row < row_end; row++)
        for (int64_t i = 0; i < t; i++) {
            float sums[16] = {0};
            FK_SCALAR_LOOP
            for (int64_t j = 0; j < k; j++)
                sums[j % 16] = fmaf(value(w, (size_t)row * ldw + (size_t)j),
                                    x[(size_t)i * ldx + (size_t)j], sums[j % 16]);
            for (int width = 8; width > 0; width /= 2) {
                FK_SCALAR_LOOP
                for (int j = 0; j < width; j++) sums[j] = sums[j] + sums[j + width];
            }
            float result = bias ? sums[0] + bias[row] : sums[0];
            float *at = y + (size_t)i * ldy + row;
            *at = accumulate ? *at + result : result;
        }
}

void fk_matmul_f32_nt_reference(FK_MATMUL_NT_PARAMETERS(float)) {
    product(y, ldy, x, ldx, w, ldw, f32_at, t, row_begin, row_end, k, bias, accumulate);
}

void fk_matmul_f16_nt_reference(FK_MATMUL_NT_PARAMETERS(void)) {
    product(y, ldy, x, ldx, w, ldw, f16_at, t, row_begin, row_end, k, bias, accumulate);
}

void fk_matmul_bf16_nt_reference(FK_MATMUL_NT_PARAMETERS(void)) {
    product(y, ldy, x, ldx, w, ldw, bf16_at, t, row_begin, row_end, k, bias, accumulate);
}

/* a[i][p] lies at a + i * row_step + p * depth_step. */
static void outer(float *c, size_t ldc, const float *a, size_t row_step, size_t depth_step,
                  const float *b, size_t ldb, int64_t row_begin, int64_t row_end,
                  int64_t columns, int64_t depth, int accumulate) {
    for (int64_t i = row_begin; i < row_end; i++)
        for (int64_t j = 0; j < columns; j++) {
            float *at = c + (size_t)i * ldc + j;
            float sum = accumulate ? *at : 0;
            FK_SCALAR_LOOP
            for (int64_t p = 0; p < depth; p++)
                sum = fmaf(a[(size_t)i * row_step + (size_t)p * depth_step],
                           b[(size_t)p * ldb + (size_t)j], sum);
            *at = sum;
        }
}

void fk_matmul_f32_nn_reference(FK_MATMUL_OUTER_PARAMETERS) {
    outer(c, ldc, a, lda, 1, b, ldb, row_begin, row_end, columns, depth, accumulate);
}

void fk_matmul_f32_tn_reference(FK_MATMUL_OUTER_PARAMETERS) {
    outer(c, ldc, a, 1, lda, b, ldb, row_begin, row_end, columns, depth, accumulate);
}
