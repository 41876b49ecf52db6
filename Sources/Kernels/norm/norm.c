#include "../lanes/variants.h"

FK_OPERATION(rms_norm_f32, FK_NN_VARIANTS,
             (float *y, size_t y_stride, float *inverse_rms, const float *x, size_t x_stride,
              const float *weight, float eps, size_t rows, size_t width),
             (y, y_stride, inverse_rms, x, x_stride, weight, eps, rows, width))
FK_OPERATION(add_rms_norm_f32, FK_NN_VARIANTS,
             (float *y, float *sum, const float *x, const float *residual, size_t stride,
              const float *weight, float eps, size_t rows, size_t width),
             (y, sum, x, residual, stride, weight, eps, rows, width))
FK_OPERATION(rms_norm_backward_f32, FK_NN_VARIANTS,
             (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *x,
              size_t x_stride, const float *inverse_rms, const float *weight, size_t rows,
              size_t width),
             (dx, dx_stride, dy, dy_stride, x, x_stride, inverse_rms, weight, rows, width))
FK_OPERATION(rms_norm_backward_weight_f32, FK_NN_VARIANTS,
             (float *dweight, const float *dy, size_t dy_stride, const float *x,
              size_t x_stride, const float *inverse_rms, size_t rows, size_t begin, size_t end),
             (dweight, dy, dy_stride, x, x_stride, inverse_rms, rows, begin, end))
FK_OPERATION(layer_norm_f32, FK_NN_VARIANTS,
             (float *y, size_t y_stride, float *means, float *inverse_deviations,
              const float *x, size_t x_stride, const float *weight, const float *bias,
              float eps, size_t rows, size_t width),
             (y, y_stride, means, inverse_deviations, x, x_stride, weight, bias, eps, rows,
              width))
FK_OPERATION(layer_norm_backward_f32, FK_NN_VARIANTS,
             (float *dx, size_t dx_stride, const float *dy, size_t dy_stride, const float *x,
              size_t x_stride, const float *means, const float *inverse_deviations,
              const float *weight, size_t rows, size_t width),
             (dx, dx_stride, dy, dy_stride, x, x_stride, means, inverse_deviations, weight,
              rows, width))
FK_OPERATION(layer_norm_backward_weight_f32, FK_NN_VARIANTS,
             (float *dweight, const float *dy, size_t dy_stride, const float *x,
              size_t x_stride, const float *means, const float *inverse_deviations,
              size_t rows, size_t begin, size_t end),
             (dweight, dy, dy_stride, x, x_stride, means, inverse_deviations, rows, begin,
              end))
