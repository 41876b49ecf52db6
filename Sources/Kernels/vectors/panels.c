#include "../include/fk_vectors.h"
#include "../lanes/variants.h"

FK_OPERATION(panel_f32, FK_NN_VARIANTS,
             (float *panel, const float *rows, const int32_t *picks, size_t count,
              size_t width),
             (panel, rows, picks, count, width))
FK_OPERATION(rows_below_f32, FK_NN_VARIANTS,
             (fk_row_hits *hits, const float *panel, const float *bounds, size_t queries,
              const float *rows, const float *terms, float factor, size_t count, size_t width),
             (hits, panel, bounds, queries, rows, terms, factor, count, width))
FK_OPERATION(nearest_rows_f32, FK_NN_VARIANTS,
             (int32_t *best, const float *panel, size_t queries, const float *rows,
              const float *terms, size_t count, size_t width),
             (best, panel, queries, rows, terms, count, width))
