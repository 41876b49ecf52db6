#include "../include/fk_vectors.h"
#include "../lanes/variants.h"

FK_OPERATION(row_products_f32, FK_NN_VARIANTS,
             (float *y, const float *x, const float *rows, const int32_t *picks, size_t count,
              size_t width),
             (y, x, rows, picks, count, width))
FK_OPERATION(row_distances_f32, FK_NN_VARIANTS,
             (float *y, const float *x, const float *rows, const int32_t *picks, size_t count,
              size_t width),
             (y, x, rows, picks, count, width))
FK_OPERATION(row_norms_f32, FK_NN_VARIANTS,
             (float *y, const float *rows, size_t count, size_t width), (y, rows, count, width))
