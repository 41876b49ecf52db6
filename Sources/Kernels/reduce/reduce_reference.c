#include "../include/fk_nn.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

void fk_sum_f32_reference(float *result, const float *x, size_t count) {
    *result = fk_sum1(x, count);
}

void fk_dot_f32_reference(float *result, const float *x, const float *y, size_t count) {
    *result = fk_dot1(x, y, count);
}

void fk_column_sum_f32_reference(float *sums, const float *x, size_t x_stride, size_t rows,
                                 size_t begin, size_t end) {
    for (size_t k = begin; k < end; k++) {
        for (size_t block = 0; block < rows; block += 64) {
            float sum = 0;
            FK_SCALAR_LOOP
            for (size_t i = block; i < rows && i < block + 64; i++) sum += x[i * x_stride + k];
            sums[k] += sum;
        }
    }
}

void fk_argmax_f32_reference(int64_t *indices, const float *x, size_t x_stride, size_t rows,
                             size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride) {
        int64_t best = width > 0 ? 0 : -1;
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) {
            if (x[k] != x[k]) {
                best = -1;
                break;
            }
            if (x[k] > x[best]) best = (int64_t)k;
        }
        indices[i] = best;
    }
}

void fk_count_nonfinite_f32_reference(size_t *result, const float *x, size_t count) {
    size_t found = 0;
    FK_SCALAR_LOOP
    for (size_t k = 0; k < count; k++) found += (fk_bits(x[k]) & 0x7f800000) == 0x7f800000;
    *result = found;
}

/* Insertion into the sorted list of what was best so far. */
void fk_top_k_f32_reference(float *values, int64_t *indices, int64_t *found, const float *x,
                            size_t width, size_t k) {
    size_t kept = 0;
    FK_SCALAR_LOOP
    for (size_t i = 0; i < width; i++) {
        if (x[i] != x[i]) {
            *found = -1;
            return;
        }
        if (kept == k && (k == 0 || !(x[i] > values[k - 1]))) continue;
        size_t place = kept < k ? kept++ : k - 1;
        for (; place > 0 && x[i] > values[place - 1]; place--) {
            values[place] = values[place - 1];
            indices[place] = indices[place - 1];
        }
        values[place] = x[i];
        indices[place] = (int64_t)i;
    }
    *found = (int64_t)kept;
}

void fk_gather_rows_f32_reference(float *y, size_t y_stride, const float *table,
                                  const int32_t *ids, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) y[i * y_stride + k] = table[(size_t)ids[i] * width + k];
    }
}

void fk_gather_rows_f16_reference(float *y, size_t y_stride, const uint16_t *table,
                                  const int32_t *ids, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++)
            y[i * y_stride + k] = fk_from_f16(table[(size_t)ids[i] * width + k]);
    }
}

void fk_gather_rows_bf16_reference(float *y, size_t y_stride, const uint16_t *table,
                                   const int32_t *ids, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++)
            y[i * y_stride + k] = fk_from_bf16(table[(size_t)ids[i] * width + k]);
    }
}

void fk_scatter_add_rows_f32_reference(float *dtable, size_t table_stride, const float *dy,
                                       size_t dy_stride, const int32_t *ids, size_t count,
                                       size_t begin, size_t end) {
    for (size_t i = 0; i < count; i++) {
        FK_SCALAR_LOOP
        for (size_t k = begin; k < end; k++)
            dtable[(size_t)ids[i] * table_stride + k] += dy[i * dy_stride + k];
    }
}
