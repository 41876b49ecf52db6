#include "../include/fk_vectors.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

void fk_panel_f32_reference(float *panel, const float *rows, const int32_t *picks,
                            size_t count, size_t width) {
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < FK_PANEL; i++)
            panel[k * FK_PANEL + i] = i < count ? rows[(size_t)picks[i] * width + k] : 0;
}

static float product(const float *panel, size_t query, const float *row, size_t width) {
    float sum = 0;
    FK_SCALAR_LOOP
    for (size_t k = 0; k < width; k++) sum = fmaf(row[k], panel[k * FK_PANEL + query], sum);
    return sum;
}

void fk_rows_below_f32_reference(fk_row_hits *hits, const float *panel, const float *bounds,
                                 size_t queries, const float *rows, const float *terms,
                                 float factor, size_t count, size_t width) {
    while (hits->next < count && hits->capacity - hits->count >= FK_PANEL_ROOM) {
        size_t row = hits->next++;
        for (size_t query = 0; query < queries; query++) {
            float sum = product(panel, query, rows + row * width, width);
            float key = fmaf(-factor, sum, terms ? terms[row] : 0);
            if (!(key < bounds[query])) continue;
            hits->rows[hits->count] = (int32_t)row;
            hits->queries[hits->count++] = (int32_t)query;
        }
    }
}

void fk_nearest_rows_f32_reference(int32_t *best, const float *panel, size_t queries,
                                   const float *rows, const float *terms, size_t count,
                                   size_t width) {
    for (size_t query = 0; query < queries; query++) {
        float largest = -INFINITY;
        best[query] = 0;
        for (size_t row = 0; row < count; row++) {
            float value = product(panel, query, rows + row * width, width);
            if (terms) value -= terms[row];
            if (!(largest < value)) continue;
            largest = value;
            best[query] = (int32_t)row;
        }
    }
}
