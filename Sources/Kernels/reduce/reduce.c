#include "../lanes/variants.h"

FK_OPERATION(sum_f32, FK_NN_VARIANTS, (float *result, const float *x, size_t count),
             (result, x, count))
FK_OPERATION(dot_f32, FK_NN_VARIANTS,
             (float *result, const float *x, const float *y, size_t count),
             (result, x, y, count))
FK_OPERATION(column_sum_f32, FK_NN_VARIANTS,
             (float *sums, const float *x, size_t x_stride, size_t rows, size_t begin,
              size_t end),
             (sums, x, x_stride, rows, begin, end))
FK_OPERATION(softmax_f32, FK_NN_VARIANTS,
             (float *y, size_t y_stride, const float *x, size_t x_stride, float scale,
              const size_t *lengths, size_t rows, size_t width),
             (y, y_stride, x, x_stride, scale, lengths, rows, width))
FK_OPERATION(softmax_backward_f32, FK_NN_VARIANTS,
             (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *y,
              size_t y_stride, float scale, size_t rows, size_t width),
             (dx, dx_stride, dy, dy_stride, y, y_stride, scale, rows, width))
FK_OPERATION(logsumexp_f32, FK_NN_VARIANTS,
             (float *results, const float *x, size_t x_stride, size_t rows, size_t width),
             (results, x, x_stride, rows, width))
FK_OPERATION(log_softmax_f32, FK_NN_VARIANTS,
             (float *y, size_t y_stride, const float *x, size_t x_stride, size_t rows,
              size_t width),
             (y, y_stride, x, x_stride, rows, width))
FK_OPERATION(log_softmax_backward_f32, FK_NN_VARIANTS,
             (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *y,
              size_t y_stride, size_t rows, size_t width),
             (dx, dx_stride, dy, dy_stride, y, y_stride, rows, width))
FK_OPERATION(cross_entropy_f32, FK_NN_VARIANTS,
             (float *losses, float *gradient, size_t gradient_stride, size_t *invalid_labels,
              const float *logits, size_t logits_stride, const int32_t *labels,
              float gradient_scale, size_t rows, size_t width),
             (losses, gradient, gradient_stride, invalid_labels, logits, logits_stride, labels,
              gradient_scale, rows, width))
FK_OPERATION(argmax_f32, FK_NN_VARIANTS,
             (int64_t *indices, const float *x, size_t x_stride, size_t rows, size_t width),
             (indices, x, x_stride, rows, width))
FK_OPERATION(top_k_f32, FK_NN_VARIANTS,
             (float *values, int64_t *indices, int64_t *found, const float *x, size_t width,
              size_t k),
             (values, indices, found, x, width, k))
FK_OPERATION(count_nonfinite_f32, FK_NN_VARIANTS,
             (size_t *result, const float *x, size_t count), (result, x, count))
FK_OPERATION(gather_rows_f32, FK_NN_VARIANTS,
             (float *y, size_t y_stride, const float *table, const int32_t *ids, size_t count,
              size_t width),
             (y, y_stride, table, ids, count, width))
FK_OPERATION(gather_rows_f16, FK_NN_VARIANTS,
             (float *y, size_t y_stride, const uint16_t *table, const int32_t *ids,
              size_t count, size_t width),
             (y, y_stride, table, ids, count, width))
FK_OPERATION(gather_rows_bf16, FK_NN_VARIANTS,
             (float *y, size_t y_stride, const uint16_t *table, const int32_t *ids,
              size_t count, size_t width),
             (y, y_stride, table, ids, count, width))
FK_OPERATION(scatter_add_rows_f32, FK_NN_VARIANTS,
             (float *dtable, size_t table_stride, const float *dy, size_t dy_stride,
              const int32_t *ids, size_t count, size_t begin, size_t end),
             (dtable, table_stride, dy, dy_stride, ids, count, begin, end))
