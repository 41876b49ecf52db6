#include "../include/fk_vectors.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

static const float *row_of(const float *rows, const int32_t *picks, size_t i, size_t width) {
    return rows + (picks ? (size_t)picks[i] : i) * width;
}

void fk_row_products_f32_reference(float *y, const float *x, const float *rows,
                                   const int32_t *picks, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) y[i] = fk_dot1(x, row_of(rows, picks, i, width), width);
}

void fk_row_distances_f32_reference(float *y, const float *x, const float *rows,
                                    const int32_t *picks, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        const float *row = row_of(rows, picks, i, width);
        float lane[64] = {0};
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) {
            float difference = x[k] - row[k];
            lane[k % 64] = fmaf(difference, difference, lane[k % 64]);
        }
        y[i] = fk_join64(lane);
    }
}

void fk_row_norms_f32_reference(float *y, const float *rows, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) y[i] = fk_dot1(rows + i * width, rows + i * width, width);
}
