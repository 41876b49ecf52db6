#include "../include/fk_nn.h"
#include "../lanes/scalar.h"

#pragma STDC FP_CONTRACT OFF

/* 1 / sqrt(sum(x x) / width + eps) */
static float inverse_root(float squares, float eps, size_t width) {
    return 1.0f / sqrtf(squares / (float)width + eps);
}

void fk_rms_norm_f32_reference(float *y, size_t y_stride, float *inverse_rms, const float *x,
                               size_t x_stride, const float *weight, float eps, size_t rows,
                               size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        float r = inverse_root(fk_dot1(x, x, width), eps, width);
        if (inverse_rms) inverse_rms[i] = r;
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) {
            float normed = x[k] * r;
            y[k] = weight ? normed * weight[k] : normed;
        }
    }
}

void fk_add_rms_norm_f32_reference(float *y, float *sum, const float *x, const float *residual,
                                   size_t stride, const float *weight, float eps, size_t rows,
                                   size_t width) {
    for (size_t i = 0; i < rows; i++) {
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++)
            sum[i * stride + k] = x[i * stride + k] + residual[i * stride + k];
    }
    fk_rms_norm_f32_reference(y, stride, NULL, sum, stride, weight, eps, rows, width);
}

void fk_rms_norm_backward_f32_reference(float *dx, size_t dx_stride, const float *dy,
                                        size_t dy_stride, const float *x, size_t x_stride,
                                        const float *inverse_rms, const float *weight,
                                        size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, x += x_stride) {
        float r = inverse_rms[i];
        float lanes[64] = {0};
        FK_SCALAR_LOOP
        for (size_t k = 0; k < fk_padded64(width); k++) {
            float g = k >= width ? 0 : weight ? dy[k] * weight[k] : dy[k];
            lanes[k % 64] = fmaf(g, k < width ? x[k] : 0, lanes[k % 64]);
        }
        float share = (r * r) * (fk_join64(lanes) / (float)width);
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) {
            float g = weight ? dy[k] * weight[k] : dy[k];
            dx[k] = r * fmaf(-share, x[k], g);
        }
    }
}

void fk_rms_norm_backward_weight_f32_reference(float *dweight, const float *dy,
                                               size_t dy_stride, const float *x,
                                               size_t x_stride, const float *inverse_rms,
                                               size_t rows, size_t begin, size_t end) {
    for (size_t k = begin; k < end; k++) {
        for (size_t block = 0; block < rows; block += 64) {
            float sum = 0;
            FK_SCALAR_LOOP
            for (size_t i = block; i < rows && i < block + 64; i++)
                sum = fmaf(dy[i * dy_stride + k], x[i * x_stride + k] * inverse_rms[i], sum);
            dweight[k] += sum;
        }
    }
}

void fk_layer_norm_f32_reference(float *y, size_t y_stride, float *means,
                                 float *inverse_deviations, const float *x, size_t x_stride,
                                 const float *weight, const float *bias, float eps,
                                 size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
        float mean = fk_sum1(x, width) / (float)width;
        float lanes[64] = {0};
        FK_SCALAR_LOOP
        for (size_t k = 0; k < fk_padded64(width); k++) {
            float centred = k < width ? x[k] - mean : 0;
            lanes[k % 64] = fmaf(centred, centred, lanes[k % 64]);
        }
        float r = inverse_root(fk_join64(lanes), eps, width);
        if (means) means[i] = mean;
        if (inverse_deviations) inverse_deviations[i] = r;
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) {
            float normed = (x[k] - mean) * r;
            if (weight) normed = normed * weight[k];
            y[k] = bias ? normed + bias[k] : normed;
        }
    }
}

void fk_layer_norm_backward_f32_reference(float *dx, size_t dx_stride, const float *dy,
                                          size_t dy_stride, const float *x, size_t x_stride,
                                          const float *means, const float *inverse_deviations,
                                          const float *weight, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, dx += dx_stride, dy += dy_stride, x += x_stride) {
        float mean = means[i], r = inverse_deviations[i];
        float sums[64] = {0}, products[64] = {0};
        FK_SCALAR_LOOP
        for (size_t k = 0; k < fk_padded64(width); k++) {
            float g = k >= width ? 0 : weight ? dy[k] * weight[k] : dy[k];
            float n = k < width ? (x[k] - mean) * r : 0;
            sums[k % 64] = sums[k % 64] + g;
            products[k % 64] = fmaf(g, n, products[k % 64]);
        }
        float mean_g = fk_join64(sums) / (float)width;
        float mean_gn = fk_join64(products) / (float)width;
        FK_SCALAR_LOOP
        for (size_t k = 0; k < width; k++) {
            float g = weight ? dy[k] * weight[k] : dy[k];
            float n = (x[k] - mean) * r;
            dx[k] = r * fmaf(-mean_gn, n, g - mean_g);
        }
    }
}

void fk_layer_norm_backward_weight_f32_reference(float *dweight, const float *dy,
                                                 size_t dy_stride, const float *x,
                                                 size_t x_stride, const float *means,
                                                 const float *inverse_deviations, size_t rows,
                                                 size_t begin, size_t end) {
    for (size_t k = begin; k < end; k++) {
        for (size_t block = 0; block < rows; block += 64) {
            float sum = 0;
            FK_SCALAR_LOOP
            for (size_t i = block; i < rows && i < block + 64; i++) {
                float n = (x[i * x_stride + k] - means[i]) * inverse_deviations[i];
                sum = fmaf(dy[i * dy_stride + k], n, sum);
            }
            dweight[k] += sum;
        }
    }
}
